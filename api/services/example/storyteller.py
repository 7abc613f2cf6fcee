"""What people write: texts put together from the phrase files, with labels true to the text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from api.services.example.dice import Dice, Wheel
from api.services.example.incidents import Incident
from api.services.example.retailer import read_toml
from api.services.example.slips import Slips

TIERS = ("普通", "紧急", "重大")
_DAYS = ("三", "3", "4", "四", "五", "5", "6", "7", "八", "9", "10", "十", "12", "15", "二十")
_TIMES = ("三", "3", "四", "4", "五", "5", "6", "七", "8", "十几")
_STYLES = {"plain": 46.0, "terse": 22.0, "formal": 11.0, "dictated": 7.0, "rambling": 14.0}
_SENTIMENTS = {
    "普通": {"中性": 24.0, "不满": 50.0, "焦虑": 9.0, "愤怒": 17.0},
    "紧急": {"中性": 10.0, "不满": 40.0, "焦虑": 24.0, "愤怒": 26.0},
    "重大": {"中性": 8.0, "不满": 22.0, "焦虑": 36.0, "愤怒": 34.0},
}
_THREATS = (("major", 0.024), ("group", 0.006), ("urgent", 0.055))
_THREAT_TIER = {"major": 2, "group": 2, "urgent": 1}
_PLANT_WORDS = 0.85
_KIND_WORDS = 0.55
_TRAP = 0.03
_ASIDE = 0.25
_MOST_ASIDES = {"background": 2, "filler": 5}
_MORE = (0.12, 0.65)  # a second word on an issue: by the way, and in a long text
_TERSE = 15  # characters below which even the curtest say a little more
_CARE = 0.2
_ABOUT_THINGS = "167"  # first digits of the codes about quality, after-sales and safety


class Told(NamedTuple):
    """A text with the labels that follow from it."""

    text: str
    tier: str
    sentiment: str


class Phrase(NamedTuple):
    """A template: literal and slot by turns, and the tier that it carries (0 to 2)."""

    parts: tuple[str, ...]
    tier: int


def phrase(raw: str) -> Phrase:
    """Read one line of a phrase file."""
    text = raw.lstrip("^")
    return Phrase(tuple(re.split(r"\{(.+?)\}", text)), len(raw) - len(text))


Pools = dict[str, dict[str, list[Phrase]]]


def _pools(table: Mapping[str, Any]) -> Pools:
    return {
        name: {key: [phrase(raw) for raw in lines] for key, lines in pools.items()}
        for name, pools in table.items()
    }


class Storyteller:
    """Writes one text after the other."""

    def __init__(self, seed: int) -> None:
        speech = read_toml("speech.toml")
        self._slips = Slips(speech.pop("slips"), speech.pop("emoji"), Dice(seed, "slips"))
        self._tart = tuple(speech.pop("tart")["words"])
        self._calm_never = frozenset(speech.pop("never_calm")["codes"])
        self._speech = _pools(speech)
        self._issues = _pools(read_toml("issues.toml"))
        self._plants = _pools(read_toml("plants.toml"))
        self._special = self._by_kind(read_toml("retailer.toml")["groups"])
        self._dice = Dice(seed, "texts")
        self._styles = Wheel(_STYLES)
        self._sentiments = {tier: Wheel(weights) for tier, weights in _SENTIMENTS.items()}

    def _by_kind(self, groups: Mapping[str, Sequence[str]]) -> Pools:
        """For each kind of product and code, what is said of it and of the groups it is in."""
        table = self._issues
        kinds = {name for pools in table.values() for name in pools} - {"any", *groups}
        within = {k: (k, *(g for g, members in groups.items() if k in members)) for k in kinds}
        return {
            kind: {
                code: [p for n in names for p in pools.get(n, ())] for code, pools in table.items()
            }
            for kind, names in within.items()
        }

    def tell(self, incident: Incident) -> Told:
        """The text of an incident."""
        if not incident.issues:
            return self._content(incident)
        style = self._styles.spin(self._dice)
        voice = _Voice(incident, style, self._dice)
        claims = self._claims(incident, style)
        threat = self._threat(style)
        tier = max([claim.tier for claim in claims] + [_THREAT_TIER.get(threat, 0)])
        spoken = [voice.say(claim) for claim in claims]
        sentiment = self._sentiment(incident, TIERS[tier], threat, "".join(spoken))
        pieces = self._frame(voice, style, sentiment, spoken)
        if threat:
            pieces.insert(
                -1 if len(pieces) > 3 else len(pieces), self._one(voice, "threat", threat)
            )
        elif tier == 0 and sentiment in self._speech["trap"] and self._dice.chance(_TRAP):
            pieces.append(self._one(voice, "trap", sentiment))
        return Told(self._slips.punctuate(pieces, sentiment), TIERS[tier], sentiment)

    def _content(self, incident: Incident) -> Told:
        happy = self._dice.chance(0.45)
        pool = self._speech["praise" if happy else "question"]
        voice = _Voice(incident, "plain", self._dice)
        said = [self._one(voice, "opening", "thanks")] if self._dice.chance(0.6) else []
        said += [voice.say(self._dice.pick(pool["text"]))]
        said += self._about_plant(incident, voice)
        said += [voice.say(self._dice.pick(pool["closing"]))]
        sentiment = "正面" if happy else "中性"
        return Told(self._slips.punctuate(said, sentiment), "普通", sentiment)

    def _about_plant(self, incident: Incident, voice: _Voice) -> list[str]:
        """Words that came with a new product."""
        pool = self._plants.get(incident.source, {}).get("")
        return [voice.say(self._dice.pick(pool))] if pool and self._dice.chance(0.6) else []

    def _claims(self, incident: Incident, style: str) -> list[Phrase]:
        claims = []
        for place, code in enumerate(incident.issues):
            pool = self._pool(incident, code)
            claims.append(self._dice.pick(pool))
            if place and style != "rambling":
                continue
            for _ in range(1 + self._dice.below(2) if style == "rambling" else 1):
                more = self._dice.pick(self._pool(incident, code))
                if more not in claims and self._dice.chance(_MORE[style == "rambling"]):
                    claims.append(more)
        return claims

    def _pool(self, incident: Incident, code: str) -> Sequence[Phrase]:
        planted = self._plants.get(incident.source, {}).get(code)
        if planted and self._dice.chance(_PLANT_WORDS):
            return planted
        if code == "5003" and "3003" in incident.issues and self._dice.chance(_KIND_WORDS):
            return self._plants["billing_mishandled"]["5003"]
        special = self._special[incident.product.kind].get(code)
        if special and self._dice.chance(_KIND_WORDS):
            return special
        return self._issues[code]["any"]

    def _threat(self, style: str) -> str:
        drawn = self._dice.random()
        for kind, share in _THREATS:
            if drawn < share:
                return kind if style != "dictated" else ""
            drawn -= share
        return ""

    def _sentiment(self, incident: Incident, tier: str, threat: str, spoken: str) -> str:
        sentiment = "愤怒" if threat else self._sentiments[tier].spin(self._dice)
        tart = self._calm_never.intersection(incident.issues) or any(
            word in spoken for word in self._tart
        )
        return "不满" if sentiment == "中性" and tart else sentiment

    def _frame(self, voice: _Voice, style: str, sentiment: str, claims: list[str]) -> list[str]:
        """Claims with everything around them, in this style's order."""
        mood = [] if sentiment == "中性" else [self._one(voice, "mood", sentiment)]
        told = self._linked(voice, style, sentiment, claims)
        if style == "terse":
            return self._terse(voice, sentiment, told, mood)
        head = self._head(voice, style, sentiment)
        tail = self._tail(voice, style, sentiment)
        if voice.incident.issues[0][0] in _ABOUT_THINGS and self._dice.chance(_CARE):
            told.append(self._one(voice, "care", "plain"))
        if style == "plain" and self._dice.chance(0.15):
            return mood + head + told + tail
        return head + told + mood + tail

    def _terse(self, voice: _Voice, sentiment: str, told: list[str], mood: list[str]) -> list[str]:
        if sum(map(len, told + mood)) < _TERSE:
            told = [self._one(voice, "context", "plain"), *told]
            mood = [*mood, self._one(voice, "demand", sentiment)]
        return mood + told if self._dice.chance(0.2) else told + mood

    def _head(self, voice: _Voice, style: str, sentiment: str) -> list[str]:
        chance = self._dice.chance
        head = self._opening(voice, style, sentiment) if chance(0.6) else []
        if style == "dictated" or chance(0.75):
            head.append(self._one(voice, "context", "plain" if style == "rambling" else style))
        head += self._about_plant(voice.incident, voice)
        head += self._asides(voice, style, sentiment, "background")
        if style == "rambling":
            head.append(self._one(voice, "story", "plain"))
        return head

    def _tail(self, voice: _Voice, style: str, sentiment: str) -> list[str]:
        official = style in ("formal", "dictated")
        tail = self._asides(voice, style, sentiment, "filler")
        if style == "rambling" and sentiment != "中性" and self._dice.chance(0.6):
            tail.append(self._one(voice, "mood", sentiment))
        if official or self._dice.chance(0.6):
            pool = style if official and sentiment != "愤怒" else sentiment
            tail.append(self._one(voice, "demand", pool))
        return tail

    def _linked(self, voice: _Voice, style: str, sentiment: str, claims: list[str]) -> list[str]:
        linked = claims[:1]
        for claim in claims[1:]:
            pool = style if style == "formal" else sentiment if sentiment == "愤怒" else "plain"
            link = self._one(voice, "link", pool) if self._dice.chance(0.55) else ""
            linked.append(link + claim)
        return linked

    def _opening(self, voice: _Voice, style: str, sentiment: str) -> list[str]:
        if style in ("formal", "dictated"):
            return [self._one(voice, "opening", style)]
        moody = sentiment in self._speech["opening"] and self._dice.chance(0.45)
        return [self._one(voice, "opening", sentiment if moody else "plain")]

    def _asides(self, voice: _Voice, style: str, sentiment: str, pool: str) -> list[str]:
        """What does no more than tell: none or one, several in a long text."""
        long = style == "rambling"
        several = 1 + self._dice.below(_MOST_ASIDES[pool])
        count = several if long else int(self._dice.chance(_ASIDE))
        chosen: dict[str, None] = {}
        for _ in range(count):
            moody = sentiment in self._speech[pool] and self._dice.chance(0.5)
            chosen[self._one(voice, pool, sentiment if moody else "plain")] = None
        return list(chosen)

    def _one(self, voice: _Voice, pool: str, key: str) -> str:
        return voice.say(self._dice.pick(self._speech[pool][key]))


class _Voice:
    """One speaker: fills the slots of a phrase from the incident and from how they talk."""

    def __init__(self, incident: Incident, style: str, dice: Dice) -> None:
        self.incident = incident
        self._dice = dice
        self._self = self._who(style)
        self._you = "贵公司" if style == "formal" else dice.pick(("你们", "你们", "苜蓿星"))
        self._city = dice.pick(incident.region.cities)
        self._order = dice.below(9000) + 1000
        self._bought = incident.received - timedelta(days=2 + dice.below(45))

    def say(self, phrase: Phrase) -> str:
        """The phrase with its slots filled."""
        if len(phrase.parts) == 1:
            return phrase.parts[0]
        return "".join(
            SLOTS[part](self) if place % 2 else part for place, part in enumerate(phrase.parts)
        )

    def _who(self, style: str) -> str:
        if style == "dictated":
            return "客户"
        if style == "formal":
            return "本人" if self._dice.chance(0.5) else "我"
        rural = self.incident.region.name in ("山东", "陕西", "辽宁")
        return "俺" if rural and self._dice.chance(0.12) else "我"

    def product(self) -> str:
        return self._dice.pick(self.incident.product.nicknames)

    def article(self) -> str:
        return self.incident.product.name

    def outlet(self) -> str:
        return self.incident.outlet

    def speaker(self) -> str:
        return self._self

    def retailer(self) -> str:
        return self._you

    def city(self) -> str:
        return self._city

    def courier(self) -> str:
        return self.incident.courier

    def price(self) -> str:
        return str(self.incident.product.price)

    def small_sum(self) -> str:
        part = self.incident.product.price * (0.04 + 0.2 * self._dice.random())
        return str(max(10, int(part / 10) * 10))

    def times(self) -> str:
        return self._dice.pick(_TIMES)

    def days(self) -> str:
        return self._dice.pick(_DAYS)

    def order(self) -> str:
        return f"MX{self._bought:%y%m%d}{self._order}"

    def bought(self) -> str:
        day, dice = self._bought, self._dice
        dated = (f"{day.month}月{day.day}号", f"{day.month}.{day.day}", f"{day.month}月份")
        return dice.pick((*dated, "前几天", "上周", "上个月", "前阵子", "最近"))

    def dated(self) -> str:
        day = self._bought
        year = f"{day.year}年" if self._dice.chance(0.5) else ""
        return f"{year}{day.month}月{day.day}日"


SLOTS: dict[str, Callable[[_Voice], str]] = {
    "p": _Voice.product,
    "品": _Voice.article,
    "店": _Voice.outlet,
    "我": _Voice.speaker,
    "你": _Voice.retailer,
    "城": _Voice.city,
    "快递": _Voice.courier,
    "元": _Voice.price,
    "小": _Voice.small_sum,
    "次": _Voice.times,
    "天": _Voice.days,
    "单": _Voice.order,
    "买": _Voice.bought,
    "日": _Voice.dated,
}
