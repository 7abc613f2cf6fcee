"""What the words right before a number say about it.

The rule: the last cue in the 18 characters before a number decides, if at most 8 characters
without digits and clause marks lie between (after a word without 号 or 码, as 订单, nothing but
signs and 是 or 为). A cue of business (订单号, 保单号, 批号 …) makes it
no personal number; of two cues that end together, the
longer wins (订单号码 over 号码, 手机号 over 机号). An 18-digit number that passes
the identity card's check digit, date and province is an identity card after any cue.
"""

from __future__ import annotations

import re
from enum import Enum

from domain.privacy.folding import BARRIER, NAME_BARRIER

_REACH = 18
_GAP = re.compile(rf"[^0-9,。;!?\n{BARRIER}{NAME_BARRIER}]{{0,8}}\Z")
_TIGHT_GAP = re.compile(r"[ :(#=\-A-Za-z]{0,6}[是为]?[ :]?\Z")

_THINGS = (
    "订单|订购|运单|快递单|物流单?|货运|流水|交易|支付单?|保单|保险单|投保单|保险|工单|单据|货|"
    "商品|产品|"
    "型|款|批次?|生产批?|序列|系列|条形?码?|发票|票|合同|协议|受理|报案|案件?|案|税|纳税人?识别|"
    "信用代码|凭证|回执|券|取件|验证|会员卡?|积分卡?|购物卡|充值卡|加油卡|储值卡|水卡|电卡|"
    "燃气卡|"
    "设备|机身|串|账单|户|表|房产证?|产权证?|许可证|执照|备案|证书|文|档案|机|编|代|识别|车架|"
    "发动机|追踪|追溯|防伪|提单|出库单|入库单|采购单|退货单|退款单?|退换货?单?|维修单|报修单?|"
    "服务单|"
    "预约|预订|预定|登记|事件|诉求|投诉单?|举报单?|工号|楼栋|图|版本|固件|软件|标准|项目|招标|"
    "微信支付|支付宝交易|商户|店铺|门店|网点"
)
_BUSINESS = re.compile(
    rf"(?:{_THINGS})(?:编号|编码|号码|单号|代码|号|码)|订单|单号|编号|批号|批次|型号|货号|保单|"
    rf"运单|"
    r"流水|条码|条形码|序列号|信用代码|金额|总额|合计|(?<![A-Za-z])(?:IMEI|ISBN|VIN|S/?N|NO|"
    r"No)(?![A-Za-z])"
)
_PERSONS = {
    "id": "身份证|身份号|实名|证件号|公民身份|居民身份",
    "passport": "护照|通行证|出入境",
    "bank": "银行卡|信用卡|借记卡|储蓄卡|工资卡|银行账|银行帐|账号|帐号|账户|帐户|"
    "(?<![员分物值油水电气])卡号|"
    "工行|建行|农行|中行|招行|交行|农商行|邮储|银行",
    "phone": "手机|电话|座机|固话|联系方式|联系|致电|来电|回电|拨打|号码|微信|机主|本机|"
    "(?<![A-Za-z])(?:[Tt][Ee][Ll]|[Pp]hone|PHONE|[Mm]obile|MOBILE|[Mm]ob|wx|WX|vx|"
    "VX)(?![A-Za-z])",
}
_PERSON = re.compile(
    "|".join(f"(?P<{name}>(?:{words})(?:号码|号)?)" for name, words in _PERSONS.items())
)


class Cue(Enum):
    """What a number is said to be."""

    NONE = "none"
    BUSINESS = "business"
    ID = "id"
    PASSPORT = "passport"
    BANK = "bank"
    PHONE = "phone"


def cue_before(text: str, start: int) -> Cue:
    """Find what the words before a number say it is.

    Parameters
    ----------
    text : str
        Folded text.
    start : int
        Where the number starts.

    Returns
    -------
    Cue

    Examples
    --------
    >>> cue_before("订单号：6222", 4), cue_before("订单号1，手机139", 7)
    (<Cue.BUSINESS: 'business'>, <Cue.PHONE: 'phone'>)
    """
    before = text[max(0, start - _REACH) : start]
    cues = [*_BUSINESS.finditer(before), *_PERSON.finditer(before)]
    if not cues:
        return Cue.NONE
    nearest = max(cues, key=lambda cue: (cue.end(), -cue.start()))
    said_in_full = nearest.lastgroup or nearest[0][-1] in "号码"
    gap = _GAP if said_in_full else _TIGHT_GAP
    if not gap.fullmatch(before, nearest.end()):
        return Cue.NONE
    return Cue(nearest.lastgroup or "business")
