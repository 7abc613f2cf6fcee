"""The tier: what the words state and what the score says, weighed by the cost of a miss."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from domain.complaint import Tier
from domain.errors import SettingRefused
from triage.lexicon import CERTAIN_MAJOR, CERTAIN_URGENT, COLLECTIVE_LOSS, CUES, KINDS, Found, Hit

ORDER = (Tier.ORDINARY.value, Tier.URGENT.value, Tier.MAJOR.value)
_MAJOR = 2
_MOST_NAMED = 4
_NOTHING_MET = "未见人身危险、法律舆情、群体或须当天处理的情形，评分为普通（{:.2f}）"
_OF_PETTY = "但为噪音、停车、邻里或退款报警不因此成为重大"
_SENTENCES = {
    "harm": "文中称已有人身伤害或事故：{}",
    "danger": "文中称存在当下能伤人的危险：{}",
    "illness": "文中写到健康受影响：{}",
    "court": "文中涉及起诉、上访等法律途径：{}",
    "police": "文中写到报警、报案：{}",
    "crime": "文中指称有受害人的违法犯罪：{}",
    "media": "文中提到找媒体或公开曝光：{}",
    "group": "文中写到集体行动：{}",
    "collective_loss": "许多人正失去基本保障：{}",
    "outage": "产品或服务已不能使用：{}",
    "money": "钱款被扣或拒退：{}",
    "sleep": "正影响休息：{}",
    "foreign": "吃到异物或变质食品：{}",
    "authority": "扬言或已向主管部门投诉：{}",
}
_FOR_MAJOR = (
    "harm", "danger", "crime", "court", "police", "group", "collective_loss", "media", "illness",
)  # fmt: skip
_MAJOR_KINDS = np.isin((*KINDS, *CUES), _FOR_MAJOR)
_FOR_URGENT = ("outage", "money", "foreign", "sleep", "authority")


@dataclass(frozen=True)
class TierPolicy:
    """What mistakes cost, and the thresholds that follow.

    Parameters
    ----------
    cost_of_miss : float, default=19
        What a 重大 that is handled as less costs, in units of one false alarm. A complaint
        is taken as 重大 when that is the cheaper mistake: from a probability of
        ``1 / (1 + cost_of_miss)`` (Elkan, 2001).

    taken_back_times : float, default=4
        How many times that threshold a complaint must reach whose only words of danger, law or
        press are denied, heard of or asked about: the score reads the words all the same.

    Examples
    --------
    >>> TierPolicy(cost_of_miss=9).threshold
    0.1
    """

    cost_of_miss: float = 19.0
    taken_back_times: float = 4.0

    def __post_init__(self) -> None:
        if not 1 <= self.cost_of_miss <= 1000:
            raise SettingRefused(
                f"cost_of_miss is {self.cost_of_miss!r}; it must lie from 1 to 1000"
            )
        if not 1 <= self.taken_back_times <= 100:
            raise SettingRefused(
                f"taken_back_times is {self.taken_back_times!r}; it must lie from 1 to 100"
            )

    @property
    def threshold(self) -> float:
        """Probability from which a complaint is 重大."""
        return 1 / (1 + self.cost_of_miss)

    @property
    def high_threshold(self) -> float:
        """The same where the words that would make it 重大 are all taken back."""
        return max(self.threshold, min(self.taken_back_times * self.threshold, 0.5))


def is_stated(counts: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Whether the words alone make a complaint 重大, shape (n_texts,).

    Parameters
    ----------
    counts : ndarray of uint16, shape (n_texts, len(COUNTED))
        As `triage.lexicon.Found` holds them.
    """
    return np.asarray((counts[:, CERTAIN_MAJOR] > 0) | (counts[:, COLLECTIVE_LOSS] > 0))


def is_urgent(counts: NDArray[np.uint16]) -> NDArray[np.bool_]:
    """Whether the words alone make a complaint at least 紧急, shape (n_texts,)."""
    return np.asarray(counts[:, CERTAIN_URGENT] > 0)


def is_taken_back(found: Found) -> NDArray[np.bool_]:
    """Whether all words for 重大 are denied, heard of or asked about, shape (n_texts,)."""
    return found.taken_back(_MAJOR_KINDS)


def decide_tiers(
    probabilities: NDArray[np.float32],
    best: NDArray[np.int64],
    found: Found,
    policy: TierPolicy,
) -> NDArray[np.int64]:
    """Tier of each text: the words' where they state a 重大, else the cheaper mistake's.

    Parameters
    ----------
    probabilities : ndarray of float32, shape (n_texts, 3)
        Of the tiers in `ORDER`.
    best : ndarray of int64, shape (n_texts,)
        Best tier by the score alone.
    found : Found
        Words of the texts.
    policy : TierPolicy

    Returns
    -------
    ndarray of int64, shape (n_texts,)
        Index in `ORDER`.

    Examples
    --------
    >>> from triage.lexicon import shipped_lexicon
    >>> found = shipped_lexicon().find(["屏幕有亮线", "听说有人找媒体曝光"])
    >>> doubt = np.array([[0.7, 0.2, 0.1], [0.7, 0.2, 0.1]], np.float32)
    >>> decide_tiers(doubt, np.array([0, 0]), found, TierPolicy()).tolist()
    [2, 0]
    """
    threshold = np.where(is_taken_back(found), policy.high_threshold, policy.threshold)
    major = (probabilities[:, _MAJOR] >= threshold) | is_stated(found.counts)
    return np.where(major, _MAJOR, np.maximum(best, is_urgent(found.counts)))


def tier_reasons(
    tier: str,
    met: Sequence[Hit],
    probability: float,
    major: float,
    stated: bool,
    policy: TierPolicy,
) -> tuple[str, ...]:
    """Chinese sentences that say why a complaint is of its tier.

    Parameters
    ----------
    tier : str
        As decided.
    met : sequence of Hit
        Words of the text, stated or softened.
    probability : float
        Of the tier, by the score.
    major : float
        Of 重大, by the score.
    stated : bool
        Whether the words alone decided.
    policy : TierPolicy

    Returns
    -------
    tuple of str
        At least one sentence; every word of danger, law or press that was met but did not
        make the complaint 重大 is named, with the reason.

    Examples
    --------
    >>> tier_reasons("普通", [], 0.93, 0.01, False, TierPolicy())
    ('未见人身危险、法律舆情、群体或须当天处理的情形，评分为普通（0.93）',)
    >>> denied = Hit("起诉", "court", "重大", 2, 4, "已否认")
    >>> tier_reasons("普通", [denied], 0.93, 0.01, False, TierPolicy())
    ('提到起诉（已否认），不作为依据', '评分为普通（0.93）')
    """
    if not met and tier == ORDER[0]:
        return (_NOTHING_MET.format(probability),)
    words = _words_by_kind(met)
    if tier == ORDER[_MAJOR]:
        return _major_reasons(words, probability, stated, policy)
    passed_over = _passed_over(words, met, major, policy)
    if tier != ORDER[0]:
        sentences = _sentences(words, _FOR_URGENT)
        return (*sentences, *passed_over, _urgent_weighed(met, probability))
    if passed_over:
        return (*passed_over, f"评分为普通（{probability:.2f}）")
    if any(kind in words for kind in _FOR_URGENT):
        told = "、".join(_flat(words, _FOR_URGENT))
        return (f"提到{told}，未到须当天处理的程度，评分为普通（{probability:.2f}）",)
    return (_NOTHING_MET.format(probability),)


def _passed_over(
    words: dict[str, list[str]], met: Sequence[Hit], major: float, policy: TierPolicy
) -> list[str]:
    """What was met of danger, law or press, and why it makes no 重大."""
    said = _flat(words, _FOR_MAJOR)
    sentences: list[str] = []
    if said:
        why = _OF_PETTY if _is_certain(met, _MAJOR) else "单凭此不足以判为重大"
        shares = f"重大的概率 {major:.3f}，低于门槛 {policy.threshold:.3f}"
        sentences.append(f"提到{'、'.join(said)}，{why}，{shares}")
    soft = {hit.word: hit.softened for hit in met if hit.softened and hit.kind in _FOR_MAJOR}
    told = [f"{word}（{soft[word]}）" for word in _longest(soft) if word not in said]
    if told:
        sentences.append(f"提到{'、'.join(told[:_MOST_NAMED])}，不作为依据")
    return sentences


def _is_certain(met: Sequence[Hit], tier: int) -> bool:
    return any(hit.certain == ORDER[tier] and not hit.softened for hit in met)


def _urgent_weighed(met: Sequence[Hit], probability: float) -> str:
    if _is_certain(met, 1):
        return f"文中已写明，至少为紧急（评分中紧急的概率 {probability:.2f}）"
    if probability >= 0.5:
        return f"评分为紧急（{probability:.2f}）"
    return f"紧急的概率 {probability:.2f}，紧急少见，为免漏掉，不待过半即取"


def _flat(words: dict[str, list[str]], kinds: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(word for kind in kinds for word in words.get(kind, ())))


def _sentences(words: dict[str, list[str]], kinds: Iterable[str]) -> list[str]:
    return [_SENTENCES[kind].format("、".join(words[kind])) for kind in kinds if kind in words]


def _major_reasons(
    words: dict[str, list[str]], probability: float, stated: bool, policy: TierPolicy
) -> tuple[str, ...]:
    found = _sentences(words, _FOR_MAJOR)
    if stated:
        return (*found, "文中已写明，不再由评分否决")
    if probability >= policy.threshold:
        cut = f"{policy.threshold:.3f}"
        return (*found, f"重大的概率 {probability:.3f}，不低于由漏判代价得出的门槛 {cut}")
    return (*found, f"评分为重大（{probability:.2f}）")


def _words_by_kind(met: Iterable[Hit]) -> dict[str, list[str]]:
    """Stated words of each kind, a few of each."""
    words: dict[str, list[str]] = {}
    for word, kind, _, _, _, softened in met:
        if softened:
            continue
        if kind in words:
            words[kind].append(word)
        else:
            words[kind] = [word]
    for kind, said in words.items():
        if len(said) > 1:
            words[kind] = _longest(said)[:_MOST_NAMED]
    if "crowd" in words and "basics" in words:
        words["collective_loss"] = words["crowd"][:2] + words["basics"][:2]
    return words


def _longest(words: Iterable[str]) -> list[str]:
    """The words, each once, but for those within another one."""
    once = list(dict.fromkeys(words))
    if len(once) < 2:
        return once
    return [word for word in once if not any(word in other for other in once if other != word)]


def word_features(counts: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Whether each kind is stated, as 0 and 1, shape (n_texts, len(COUNTED))."""
    return (counts > 0).astype(np.float32)
