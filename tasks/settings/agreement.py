"""Settings of what is believed: the rule of agreement and its thresholds."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.settings.base import SettingsModel


class AgreementSettings(SettingsModel):
    """What solver and verifier must agree on before anything is learnt from it. All thresholds are those of
    the rule `consensus`; `paper` has none."""

    rule: Literal["consensus", "paper"] = Field(
        "consensus",
        description="consensus: samples vote by behaviour; paper: chosen passes all tests, rejected not.",
    )
    min_votes: int = Field(
        4,
        ge=1,
        le=1024,
        description="Samples that must behave alike in the winning group (measured on SmolLM2-135M, 80 "
        "problems, 12 solutions at one temperature, no threshold on the score, "
        "benchmarks/agreement_study.md: 3 votes keep 10 % of problems with 25 % right code, 4 votes "
        "6 % with 40 %, 5 votes 4 % with 67 %; a better model affords 3).",
    )
    min_vote_share: float = Field(
        0.2,
        ge=0,
        le=1,
        description="Votes needed as a share of the solutions that ran; the stricter of this and min_votes "
        "holds, this one with more than 20 solutions a problem.",
    )
    min_score_share: float = Field(
        0.5,
        ge=0,
        le=100,
        description="Winner's score, (votes - 1) x log(1 + distinct values returned), divided by the number"
        " of the other solutions that ran, at least: no share, it may exceed 1 (674 problems, "
        "benchmarks/agreement_large.md: at 0.5 12 % of starter are kept with 62 % right "
        "code and 11 % of MBPP with 35 %, at 0.9 7 % with 74 % and 6 % with 50 %). At 0.5 and "
        "12 solutions winners that return two values need 7 votes, with four values 5.",
    )
    min_margin: float = Field(
        1.5,
        ge=1,
        le=100,
        description="Winner's score over the runner-up's, at least (agreement_study.md: at 3 votes, 1.5 "
        "raises right code from 25 to 33 %, 3 to 40 %).",
    )
    min_cases: int = Field(
        1,
        ge=1,
        le=100,
        description="Distinct (call, expected) pairs the winner satisfies (agreement_study.md: asking for 2 "
        "keeps 4 instead of 6 % and makes no code more right, 33 instead of 40 %: wrong code and wrong cases "
        "agree).",
    )
    min_outputs: int = Field(
        2,
        ge=1,
        le=100,
        description="Distinct values the winners return: wrong programs agree on constants "
        "(agreement_study.md: at 4 votes, 2 raise right code from 36 to 40 %, at 5 from 50 to 67 %).",
    )
    min_expected_values: int = Field(
        1,
        ge=1,
        le=100,
        description="Distinct expected values among the agreed cases (agreement_study.md: asking for 2 "
        "lowers right code from 15 to 8 % at 3 votes).",
    )
    min_witness_share: float = Field(
        0.4,
        ge=0,
        le=1,
        description="Share of the base model's solutions (sampling.witness_share), and at least one, that "
        "must be among the winners (benchmarks/witness_study.md, 7 of 10 solutions the base's: with 1 "
        "of them among the winners 56 % of what is kept is right, with 3 83 to 87 %).",
    )
    min_behaviours: int = Field(
        2,
        ge=1,
        le=100,
        description="Behaviours a problem must show: where all samples agree there is nothing to learn.",
    )
    pair_votes: int = Field(
        5,
        ge=1,
        le=1024,
        description="Votes a problem needs before it yields pairs (agreement_study.md: 67 % right code at 5 "
        "votes; with the defaults 73 % of 11 problems).",
    )
    pair_margin: float = Field(
        2.0,
        ge=1,
        le=100,
        description="Margin before pairs are made: if the consensus is wrong, what they reject is the truth.",
    )
