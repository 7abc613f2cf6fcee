"""Names of persons in a folded text, found by their surname and the words around them.

A name alone is not told from a word. It is taken after a word that announces one (我叫, 姓名：,
联系人), before a title (先生, 经理), beside a masked number, and wherever it stands again in the
same text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from domain.privacy.folding import BARRIER, NAME_BARRIER, Folded
from domain.privacy.kinds import Found, Kind
from domain.privacy.lexicon import (
    COMPOUND_SURNAMES,
    DOUBTFUL_SURNAMES,
    FOLLOWING,
    FUNCTION,
    GIVEN,
    PARTICLES,
    SURNAMES,
    TRUSTED_SURNAMES,
    ordinary_words,
)

_INTRODUCTION = "我叫|名叫|本人叫|名字叫|姓名|户名|名字|称呼|署名|落款"
_ROLE = (
    "投诉对象|举报对象|被投诉人|被举报人|信访人|来信人|来访人|咨询人|受害人|申诉人|控告人|原告|被告|局长|科长|所长|处长|院长|校长|"
    "联系人|投诉人|举报人|反映人|来电人|诉求人|申请人|报修人|收件人|收货人|寄件人|发件人|"
    "持卡人|投保人|被保险人|被保人|受益人|"
    "当事人|委托人|代理人|负责人|经办人|承办人|责任人|检举人|反馈人|上访人|报案人|预约人|"
    "订票人|乘车人|入住人|购买人|"
    "户主|机主|车主|业主|房主|店主|雇主|法人代表|法人|客户|顾客|用户|患者|病人|死者|伤者|乘客|"
    "旅客|游客|市民|居民|村民|住户|"
    "租客|房客|租户|房东|司机|员工|职工|店员|营业员|服务员|销售员|业务员|快递员|配送员|骑手|"
    "柜员|客服|专员|学生|家长|孩子|"
    "儿子|女儿|父亲|母亲|爸爸|妈妈|丈夫|妻子|老公|老婆|爱人|哥哥|弟弟|姐姐|妹妹|本人|我是|同事|"
    "朋友|邻居|老人|老板|老板娘|"
    "经理|主任|老师|医生|护士|师傅|律师|先生|女士|网友|民警|保安|中介|顾问|主管|店长|队长|书记"
)
_ANNOUNCED = re.compile(
    rf"(?:(?P<introduction>{_INTRODUCTION})|(?P<role>{_ROLE}))"
    r" ?(?:姓名|名字)?(?P<mark> ?[:(]|是|为|叫|名叫)? ?(?=[\u3400-\u9fff])"
)
_FOODS_TOO = frozenset("汤姜余叶")
_MENTIONABLE = "".join(sorted(TRUSTED_SURNAMES - _FOODS_TOO))
_MENTIONED = re.compile(rf"(?:联系|[由找和跟与被给让请的])(?=[{_MENTIONABLE}][\u3400-\u9fff])")
_FAMILY_NAME = re.compile(
    r"(?:[我贵]|本人|免贵|客户)姓([\u3400-\u9fff])(?!名)|姓([\u3400-\u9fff])(?:的|(?![\u3400-\u9fff]))"
)
_LONGEST_NAME = 4
_TITLE = re.compile(
    "先生|女士|小姐|太太|夫人|同志|(?<!康)师傅|老师|经理|(?<!班)主任|店长|主管|总监|队长|局长|科长|所长|处长|"
    "院长|校长|园长|站长|镇长|"
    "村长|县长|市长|区长|省长|书记|警官|民警|律师(?![事函费团协法])|医生|大夫|护士|教授|老板|阿姨|大爷|大妈|大姐|"
    "大哥|叔叔|伯伯|奶奶|爷爷|"
    "工程师|教练|總|總經理|总(?![\u3400-\u9fff])"
)
_RECORD = re.compile(
    r"(?<![\u3400-\u9fff])([\u3400-\u9fff]{2,4}) ?[,、(] ?[男女](?![\u3400-\u9fff])"
)
_STATED = re.compile("(?![不未保匿无没见同略])[\u3400-\u9fff]{2,3}(?![\u3400-\u9fff])")
_PLACE = re.compile("小区|社区|公司|集团|大厦|广场|[村镇乡路街桥园县市区府店山湖江河组苑厂校院]")
_BESIDE_NUMBER = re.compile(
    rf"(?<![\u3400-\u9fff])([\u3400-\u9fff]{{2,4}})"
    rf"[ ,(:、]{{0,2}}(?:(?:联系)?(?:电话|手机|方式)|身份证)?(?:号码?)?[ :]?{BARRIER}"
    rf"|{BARRIER}[ ,(、]{{0,2}}([\u3400-\u9fff]{{2,4}})(?![\u3400-\u9fff])"
)


_SPACED = re.compile(r"(?<![\u3400-\u9fff])[\u3400-\u9fff]( )(?=[\u3400-\u9fff])")


def find_names(folded: Folded) -> list[Found]:
    """Find names of persons.

    Parameters
    ----------
    folded : Folded
        Numbers found before are barred in it.

    Returns
    -------
    list of Found
        They may overlap; the longer of two is the whole name.

    Examples
    --------
    >>> from domain.privacy.folding import fold
    >>> [found.value for found in find_names(fold("我叫欧阳小明，找过王经理，本人于昨天到店"))]
    ['欧阳小明', '王']
    """
    found = _names(folded.text)
    if _SPACED.search(folded.text):
        found += _spaced_names(folded.text)
    return found


def _spaced_names(text: str) -> list[Found]:
    """Names with blanks after single characters: 王 小 明, 张 经理."""
    blanks = {place.start(1) for place in _SPACED.finditer(text)}
    places = [index for index in range(len(text)) if index not in blanks]
    closed = "".join(text[index] for index in places)
    return [
        Found(kind, places[start], places[end - 1] + 1, value)
        for kind, start, end, value in _names(closed)
        if places[end - 1] - places[start] >= end - start or _is_spaced(places, start, end)
    ]


def _is_spaced(places: list[int], start: int, end: int) -> bool:
    """Whether a blank was left out right before or after a name."""
    before = start > 0 and places[start] - places[start - 1] > 1
    return before or (end < len(places) and places[end] - places[end - 1] > 1)


def _names(text: str) -> list[Found]:
    spans = {*_announced(text), *_mentioned(text), *_family_names(text), *_recorded(text)}
    spans.update(_titled(text), _beside_numbers(text))
    spans.update(_again(text, {text[start:end] for start, end in spans}))
    return [Found(Kind.NAME, start, end, text[start:end]) for start, end in sorted(spans)]


def _announced(text: str) -> Iterator[tuple[int, int]]:
    for cue in _ANNOUNCED.finditer(text):
        start = cue.end()
        certain = bool(cue["introduction"] or cue["mark"])
        end = _name_end(text, start)
        if end is not None and _is_believable(text, start, end, certain):
            yield start, end
        elif cue["introduction"] and cue["mark"] and (stated := _STATED.match(text, start)):
            yield stated.span()


def _mentioned(text: str) -> Iterator[tuple[int, int]]:
    """Find names after a word that seldom announces one: all of it must look like a name."""
    for cue in _MENTIONED.finditer(text):
        start = cue.end()
        end = _name_end(text, start)
        if end is None or not all(character in GIVEN for character in text[start + 1 : end]):
            continue
        if text[start : start + 2] not in ordinary_words() and _is_believable(
            text, start, end, False
        ):
            yield start, end


def _family_names(text: str) -> Iterator[tuple[int, int]]:
    for cue in _FAMILY_NAME.finditer(text):
        start, end = cue.span(cue.lastindex or 0)
        if text[start] in SURNAMES:
            yield start, end


def _recorded(text: str) -> Iterator[tuple[int, int]]:
    """Find names at the head of a record: 张三，男，1980年生."""
    for place in _RECORD.finditer(text):
        start, end = place.span(1)
        if _name_end(text[:end], start) == end and _is_believable(text, start, end, True):
            yield start, end


def _titled(text: str) -> Iterator[tuple[int, int]]:
    for title in _TITLE.finditer(text):
        start = _start_before_title(text, title.start())
        if start is not None:
            yield start, title.start()


def _beside_numbers(text: str) -> Iterator[tuple[int, int]]:
    if BARRIER not in text:
        return
    for place in _BESIDE_NUMBER.finditer(text):
        start, end = place.span(place.lastindex or 0)
        if _name_end(text[:end], start) == end and _is_believable(text, start, end, False):
            yield start, end


def _again(text: str, names: set[str]) -> Iterator[tuple[int, int]]:
    """Find names, known from one place of a text, in its other places."""
    known = {name for name in names if len(name) > 1 and name not in ordinary_words()}
    firsts = {name[0] for name in known}
    starts = (index for index, character in enumerate(text) if character in firsts)
    for start in starts:
        for end in range(start + 2, min(start + _LONGEST_NAME, len(text)) + 1):
            if text[start:end] in known:
                yield start, max(end, _name_end(text, start) or end)


def _surname_size(text: str, start: int) -> int:
    if text[start : start + 2] in COMPOUND_SURNAMES:
        return 2
    return 1 if text[start : start + 1] in SURNAMES else 0


def _name_end(text: str, start: int) -> int | None:
    """Where the name ends that starts with a surname, if a given name follows."""
    size = _surname_size(text, start)
    given = start + size
    if not size or not _is_chinese(text[given : given + 1]) or _TITLE.match(text, given):
        return None
    if text[given] in FUNCTION and text[given] not in GIVEN:
        return None
    return given + 1 + _second_given(text, given + 1)


def _second_given(text: str, index: int) -> int:
    """1 if the character belongs to a given name, 0 if it starts what follows the name."""
    character, pair = text[index : index + 1], text[index : index + 2]
    if not _is_chinese(character) or pair in FOLLOWING or _TITLE.match(text, index):
        return 0
    if not _is_chinese(pair[1:]):
        return int(character not in PARTICLES)
    if character in FUNCTION:
        return int(character in GIVEN and _is_followed(text, index + 1))
    known = character in GIVEN or text[index + 1 : index + 3] in FOLLOWING
    return int(known or pair not in ordinary_words())


def _is_believable(text: str, start: int, end: int, certain: bool) -> bool:
    """Whether a name is one, by what follows it and by whether it is an ordinary word."""
    if _PLACE.match(text, end):
        return False
    closed = not _is_chinese(text[end : end + 1]) and text[end : end + 1] != NAME_BARRIER
    compound = text[start : start + 2] in COMPOUND_SURNAMES
    if text[start : start + 2] in ordinary_words() and not compound:
        return closed and (certain or (end - start > 2 and text[start] in TRUSTED_SURNAMES))
    if certain or compound:
        return certain or closed or _is_followed(text, end)
    trusted = text[start] in TRUSTED_SURNAMES or all(c in GIVEN for c in text[start + 1 : end])
    return trusted and (closed or _is_followed(text, end))


def _is_followed(text: str, end: int) -> bool:
    return text[end] in FUNCTION or text[end : end + 2] in FOLLOWING


def _start_before_title(text: str, title: int) -> int | None:
    """Start of the name before a title: surname and given name, or the surname alone."""
    for size in (4, 3, 2):
        start = title - size
        if start >= 0 and _is_full_name(text, start, title):
            return start
    for size in (2, 1):
        start = title - size
        if start >= 0 and _surname_size(text, start) == size and _stands_alone(text, start):
            return start
    return None


def _stands_alone(text: str, start: int) -> bool:
    """Whether a surname before a title is one, not the end of a word or a word itself."""
    if text[start] in DOUBTFUL_SURNAMES:
        return start == 0 or not _is_chinese(text[start - 1])
    return not _ends_word(text, start)


def _is_full_name(text: str, start: int, end: int) -> bool:
    surname = _surname_size(text, start)
    given = text[start + surname : end]
    if not surname or not 1 <= len(given) <= 2 or not all(map(_is_given, given)):
        return False
    if surname == 2:
        return True
    if text[start : start + 2] in ordinary_words() or _ends_word(text, start):
        return False
    is_surname_too = given[-1] in TRUSTED_SURNAMES and given[-1] not in GIVEN
    opened = start == 0 or not _is_chinese(text[start - 1])
    if is_surname_too and not opened:
        return False
    return text[start] in TRUSTED_SURNAMES or all(each in GIVEN for each in given)


def _is_given(character: str) -> bool:
    return _is_chinese(character) and (character in GIVEN or character not in FUNCTION)


def _ends_word(text: str, start: int) -> bool:
    """Whether a supposed surname is the end of an ordinary word, as 程 in 工程经理."""
    return start > 0 and text[start - 1 : start + 1] in ordinary_words()


def _is_chinese(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff"
