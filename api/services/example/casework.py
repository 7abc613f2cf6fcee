"""What was done with a complaint, how long it took, what it cost and what the customer thought."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from api.services.example.dice import Dice, Wheel
from api.services.example.incidents import Incident
from api.services.example.storyteller import Told

# Minutes to the first contact and hours to the solution, as equally spaced quantiles.
_ACKNOWLEDGED = {
    "普通": (6, 40, 120, 260, 480, 820, 1300, 2600),
    "紧急": (3, 15, 40, 80, 130, 190, 250, 620),
    "重大": (1, 6, 13, 22, 33, 45, 58, 190),
}
_SOLVED = {
    "普通": (2, 9, 20, 30, 44, 56, 70, 190),
    "紧急": (1, 4, 8, 12, 16, 20, 25, 80),
    "重大": (20, 44, 70, 110, 160, 230, 320, 620),
}
_DUE_HOURS = {"普通": 72, "紧急": 24, "重大": 336}
_PLAN_HOURS = (1, 4, 8, 13, 18, 23, 36)
_ANSWER_HOURS = (0.1, 0.5, 1, 2, 5, 12, 30)
_FOLLOW_DAYS = (1, 2, 3, 4, 5, 7, 12)
_HANDLERS_PER_TEAM = 14
_CAUSES = {
    "1": "产品", "2": "营销", "3": "价格与账务", "4": "物流", "5": "服务", "6": "售后",
    "7": "安全", "8": "系统", "9": "环境", "0": "其他",
}  # fmt: skip
_COST_PER_DAY = 9
_BASE_COST = {"普通": 14, "紧急": 42, "重大": 180}
_PAID_SHARE = {"普通": 0.09, "紧急": 0.22, "重大": 0.46}
_ESCALATED_SHARE = {"普通": 0.008, "紧急": 0.035, "重大": 0.16}
_ESCALATIONS = {"纠纷": 60.0, "舆情": 25.0, "诉讼": 15.0}
_IMPROVEMENTS = (
    "反馈供应商复查来料", "更新产品页面说明", "对门店人员再培训", "调整承运商线路", "修订客服话术",
    "系统缺陷已排期修复", "加强出库抽检", "补充备件库存",
)  # fmt: skip


class Case(NamedTuple):
    """The columns of the work on one complaint, as they stand in the table."""

    acknowledged_at: str = ""
    plan_at: str = ""
    resolved_at: str = ""
    answered_at: str = ""
    followed_up_at: str = ""
    substantiated: str = ""
    cause: str = ""
    satisfaction: str = ""
    channel_satisfaction: str = ""
    answer_satisfaction: str = ""
    nps: str = ""
    retained: str = ""
    cost: str = ""
    compensation: str = ""
    escalated_to: str = ""
    reopened: str = ""
    returned: str = ""
    handler: str = ""
    team: str = ""
    improvement: str = ""


class Casework:
    """Works on one complaint after the other; nothing after the end of the history is known."""

    def __init__(self, end: datetime, seed: int) -> None:
        self._end = end
        self._dice = Dice(seed, "casework")
        self._escalations = Wheel(_ESCALATIONS)

    def work(self, incident: Incident, told: Told) -> Case:
        """What became of one complaint by the end of the history."""
        dice, tier = self._dice, told.tier
        received = incident.received
        reached = received + timedelta(minutes=dice.along(_ACKNOWLEDGED[tier]))
        hours = dice.along(_SOLVED[tier])
        planned = received + timedelta(hours=dice.along(_PLAN_HOURS))
        solved = max(reached, received + timedelta(hours=hours))
        answered = solved + timedelta(hours=dice.along(_ANSWER_HOURS))
        followed = answered + timedelta(days=dice.along(_FOLLOW_DAYS))
        case = Case(
            acknowledged_at=self._known(reached),
            plan_at=self._known(planned) if tier == "重大" else "",
            resolved_at=self._known(solved),
            answered_at=self._known(answered),
            followed_up_at=self._known(followed) if dice.chance(0.8) else "",
            returned=_yes(dice.chance(0.03)),
            handler=self._handler(incident),
            team=incident.region.team,
        )
        return self._settled(case, incident, told, hours) if case.answered_at else case

    def _settled(self, case: Case, incident: Incident, told: Told, hours: float) -> Case:
        dice, tier = self._dice, told.tier
        late = hours > _DUE_HOURS[tier]
        complaint = bool(incident.issues)
        paid = self._compensation(incident, tier) if complaint else 0
        liking = 4.3 - 1.2 * late - 0.5 * (tier == "重大") - 0.6 * (told.sentiment == "愤怒")
        liking += 0.6 * (paid > 0) + 0.5 * (not complaint)
        rated = bool(case.followed_up_at) and dice.chance(0.75)
        escalated = complaint and dice.chance(_ESCALATED_SHARE[tier] * (1 + late))
        cost = _BASE_COST[tier] + _COST_PER_DAY * hours / 24 + dice.below(20)
        return case._replace(
            substantiated=_yes(dice.chance(0.82)) if complaint else "",
            cause=_CAUSES[incident.issues[0][0]] if complaint else "",
            **(self._opinion(liking) if rated else {}),
            retained=_yes(dice.chance(min(0.97, 0.3 + 0.14 * liking))),
            cost=f"{cost:.2f}",
            compensation=str(paid) if paid else "",
            escalated_to=self._escalations.spin(dice) if escalated else "",
            reopened=_yes(dice.chance(0.03 + 0.05 * late)),
            improvement=dice.pick(_IMPROVEMENTS) if dice.chance(0.06) else "",
        )

    def _opinion(self, liking: float) -> dict[str, str]:
        return {
            "satisfaction": self._score(liking, 1, 5),
            "channel_satisfaction": self._score(liking + 0.2, 1, 5),
            "answer_satisfaction": self._score(liking - 0.1, 1, 5),
            "nps": self._score(2.4 * liking - 2, 0, 10),
        }

    def _score(self, mean: float, low: int, high: int) -> str:
        spread = (high - low) / 2
        drawn = mean + spread * (self._dice.random() + self._dice.random() - 1)
        return str(min(high, max(low, int(drawn + 0.5))))

    def _compensation(self, incident: Incident, tier: str) -> int:
        if not self._dice.chance(_PAID_SHARE[tier] + 0.25 * ("6004" in incident.issues)):
            return 0
        share = self._dice.along((0.02, 0.05, 0.1, 0.2, 1.0))
        return max(10, int(incident.product.price * share))

    def _handler(self, incident: Incident) -> str:
        return f"{incident.region.team}{self._dice.below(_HANDLERS_PER_TEAM) + 1:02d}号"

    def _known(self, moment: datetime) -> str:
        return moment.isoformat(timespec="seconds")[:19] if moment < self._end else ""


def _yes(true: bool) -> str:
    return "是" if true else "否"
