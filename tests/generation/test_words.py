"""Texts of any script as words: repeats and benchmark text are seen in all of them."""

# Letters of other scripts that look like Latin ones are what this is about.
# ruff: noqa: RUF001

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.records import Problem
from tasks.generation.decontamination import Contamination, find_duplicates
from tasks.generation.words import ngrams, word_count, words

# A statement, the same with a few characters changed, and another one.
STATEMENTS = {
    "Chinese": (
        "编写一个函数，接收一个价格列表，并按升序返回其中最便宜的两个价格，如果不足两个则返回全部。",
        "编写一个函数，接收一个价格列表，并按降序返回其中最便宜的两个价格，如果不足两个则返回全部。",
        "给定一个单词，把它的字母倒过来，然后重复两次。",
    ),
    "Japanese": (
        "価格のリストを受け取り、最も安い二つの価格を昇順で返す関数を書いてください。",
        "価格のリストを受け取り、最も安い三つの価格を昇順で返す関数を書いてください。",
        "単語を逆さまにして二回繰り返す関数を定義しなさい。",
    ),
    "Russian": (
        "Напишите функцию, которая принимает список цен и возвращает две самые низкие цены по порядку.",
        "Напишите функцию, которая принимает список цен и возвращает две самые низкие цены по возрастанию.",
        "Переверните слово и повторите его дважды.",
    ),
    "Hindi": (
        "एक फ़ंक्शन लिखें जो कीमतों की सूची लेता है और दो सबसे सस्ती कीमतें क्रम से लौटाता है।",
        "एक फ़ंक्शन लिखें जो कीमतों की सूची लेता है और दो सबसे सस्ती कीमतें बढ़ते क्रम से लौटाता है।",
        "किसी शब्द को उलटा करें और उसे दो बार दोहराएँ।",
    ),
    "Arabic": (
        "اكتب دالة تأخذ قائمة من الأسعار وتعيد أرخص سعرين منها بالترتيب.",
        "اكتب دالة تأخذ قائمة من الأسعار وتعيد أرخص سعرين منها بالترتيب التصاعدي.",
        "اعكس الكلمة وكررها مرتين.",
    ),
    "Thai": (
        "เขียนฟังก์ชันที่รับรายการราคาและคืนค่าราคาที่ถูกที่สุดสองรายการตามลำดับ",
        "เขียนฟังก์ชันที่รับรายการราคาและคืนค่าราคาที่ถูกที่สุดสามรายการตามลำดับ",
        "กลับตัวอักษรของคำแล้วทำซ้ำสองครั้ง",
    ),
    "Korean": (
        "가격 목록을 받아 가장 싼 두 가격을 오름차순으로 돌려주는 함수를 작성하세요.",
        "가격 목록을 받아 가장 싼 두 가격을 내림차순으로 돌려주는 함수를 작성하세요.",
        "단어를 뒤집어 두 번 반복하세요.",
    ),
}


def problem(problem_id: str, statement: str) -> Problem:
    return Problem(problem_id, statement, "f", "def f(x):", "statement")


@pytest.mark.parametrize("language", STATEMENTS)
def test_repeats_are_told_from_other_statements_in_every_script(language: str) -> None:
    first, near, other = STATEMENTS[language]
    rows = [problem("a", first), problem("b", f" {first} "), problem("c", near), problem("d", other)]
    found = find_duplicates(rows, [], 0.5)
    assert found == {"b": ("exact duplicate", "a"), "c": ("near duplicate", "a")}


def test_statements_of_different_scripts_are_no_duplicates() -> None:
    rows = [problem(language, first) for language, (first, *_) in STATEMENTS.items()]
    assert find_duplicates(rows, [], 0.5) == {}
    symbols = [problem("plus", "∑ + ∏"), problem("minus", "∑ - ∏"), problem("again", "∑  + ∏")]
    assert find_duplicates(symbols, [], 0.9) == {"again": ("exact duplicate", "plus")}


@pytest.mark.parametrize("language", STATEMENTS)
def test_benchmark_text_is_seen_in_every_script(language: str) -> None:
    first, _, other = STATEMENTS[language]
    guard = Contamination([problem("benchmark/1", first)])
    assert guard.of_text(other) is None
    for text in (first, f"{other} {first} {other}"):
        match = guard.of_text(text)
        assert match is not None
        assert match[1] == "benchmark/1"
    # A beginning that many statements have is nobody's.
    assert guard.of_text(first[: len(first) // 5] + other) is None


def test_marks_belong_to_their_letters_and_width_does_not_matter() -> None:
    assert words("हिन्दी में") == ["हिन्दी", "में"]
    assert words("Ｆｕｌｌ　Width") == ["full", "width"]
    assert words("cafe\u0301") == words("café") == ["café"]
    assert words("它有3个x") == ["它", "有", "3", "个", "x"]
    assert words("snake_case don't") == ["snake", "case", "don", "t"]
    assert word_count("Write a small function now.") == 5
    assert word_count("编写一个函数求和值吧") == 5


@given(st.text(alphabet="ab 1编写คำ", max_size=40), st.integers(1, 4), st.integers(0, 9))
def test_a_passage_has_the_same_runs_wherever_it_stands(text: str, size: int, noise: int) -> None:
    """Those of a text are among those of a longer one that holds it, between other words."""
    around = ngrams("z " * noise + text + " z" * noise, size)
    if word_count(text) >= size:
        assert ngrams(text, size) <= around


@given(st.lists(st.sampled_from(["red", "blue", "3", "x"]), max_size=12), st.integers(1, 5))
def test_with_spaces_runs_are_of_words(tokens: list[str], size: int) -> None:
    expected = {tuple(tokens[i : i + size]) for i in range(len(tokens) - size + 1)} or {tuple(tokens)} - {()}
    assert ngrams(" ".join(tokens), size) == expected
