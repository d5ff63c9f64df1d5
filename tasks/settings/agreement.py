"""Settings of what is believed: the rule of agreement and its thresholds."""

from __future__ import annotations

from pydantic import Field

from tasks.settings.base import SettingsModel


class AgreementSettings(SettingsModel):
    """What solver and verifier must agree on before anything is learnt from it. All thresholds are those of
    the rule `consensus`; `paper` has none."""

    rule: str = Field(
        "consensus",
        pattern=r"^[a-z0-9][a-z0-9_.+-]{0,63}$",
        description="consensus: samples vote by behaviour; paper: chosen passes all tests, rejected not; or "
        "the name of a rule that an installed package registers.",
    )
    min_votes: int = Field(
        4,
        ge=1,
        le=1024,
        description="Samples that must behave alike in the winning group; a better model affords 3.",
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
        description="Winner's score, (votes - 1) x log(1 + distinct values returned), divided by the "
        "number of the other solutions that ran, at least: no share, it may exceed 1.",
    )
    min_margin: float = Field(
        1.5,
        ge=1,
        le=100,
        description="Winner's score over the runner-up's, at least.",
    )
    min_cases: int = Field(
        1,
        ge=1,
        le=100,
        description="Distinct (call, expected) pairs the winner satisfies, at least.",
    )
    min_outputs: int = Field(
        2,
        ge=1,
        le=100,
        description="Distinct values the winners return, at least: wrong programs agree on constants.",
    )
    min_expected_values: int = Field(
        1,
        ge=1,
        le=100,
        description="Distinct expected values among the agreed cases, at least.",
    )
    min_reference_share: float = Field(
        0.4,
        ge=0,
        le=1,
        description="Share of the reference model's solutions (sampling.reference_share), and at least "
        "one, that must be among the winners.",
    )
    min_behaviours: int = Field(
        2,
        ge=1,
        le=100,
        description="Behaviours a problem must show: where all samples agree there is nothing to learn.",
    )
    own_word_votes: bool = Field(
        False,
        description="Whether checks vote, and become labels, that a solution passes by the word of its own "
        "classes: two of its objects are equal because their class says so.",
    )
    pair_votes: int = Field(
        5,
        ge=1,
        le=1024,
        description="Votes a problem needs before it yields pairs.",
    )
    pair_margin: float = Field(
        2.0,
        ge=1,
        le=100,
        description="Margin before pairs are made: if the consensus is wrong, what they reject is the truth.",
    )
