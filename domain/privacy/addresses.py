"""Addresses down to somebody's door in a folded text.

A door is sought first: 123号, 5栋2单元301室, 七里组. From there the path is read leftwards: road,
estate, village, town, county, city, province. A place without a door is nobody's address.
"""

from __future__ import annotations

import re

from domain.privacy.folding import BARRIER, Folded
from domain.privacy.kinds import Found, Kind
from domain.privacy.places import place_ending_at, short_names

_NUMBER = (
    "(?:[0-9]{1,5}(?:[-之][0-9]{1,4}){0,2}|[A-Za-z][0-9]{0,3}|"
    "[一二三四五六七八九十百零〇廿两]{1,5}|[甲乙丙丁])"
)
_UNITS = (
    "号院|号楼|号房|号(?![线口桥站台车路文令机窗库井坑])|號|支弄|弄|栋|幢|棟|座|单元|單元|单位|"
    "层|楼|室|房间|"
    "房(?![子屋价租产贷东改])|户(?![口型籍外主])|门(?!口)|村民小组|小组|组|队"
)
_DOOR = re.compile(
    rf"(?<![0-9])(?!一[座房户队层幢])第?{_NUMBER} ?(?:{_UNITS})"
    rf"(?:[ ,、\-]?第?{_NUMBER} ?(?:{_UNITS})){{0,6}}"
    r"(?:[ \-]?(?:[0-9]{3,4}|[0-9]{1,3}-[0-9]{1,4})"
    rf"(?![0-9A-Za-z年元月日号个人块米.平天次小吨套户多余万{BARRIER}]))?"
)
_STEP = re.compile(rf"({_NUMBER}) ?({_UNITS})")
_DASHED = re.compile(r"(?<=[\u4e00-\u9fff])[0-9]{1,3}-[0-9]{1,3}-[0-9]{3,4}(?![0-9\-])")
_NAMED_GROUP = re.compile(
    r"(?<=村)(?!村民|民|小|工作|调查|专案|领导|检查|督导|巡视|项目|两委|支|委|干|互助|监督|党|"
    r"务|内|里的|"
    r"各|每|全|哪|某|几|另|原|班)[\u4e00-\u9fff]{1,4}组(?![织成建装合团长员])"
)

_BUILDINGS = frozenset({"号楼", "栋", "幢", "棟", "座", "单元", "單元", "弄", "支弄"})
_FLOORS = frozenset({"楼", "层"})
_ROOMS = frozenset({"室", "房", "号房", "房间", "户", "门"})
_HOUSES = frozenset({"号", "號", "号院"})
_GROUPS = frozenset({"村民小组", "小组", "组", "队"})

_ROAD = frozenset("路街巷道弄同里段")
_VILLAGE = frozenset("村庄屯寨乡镇社场岗冲坪湾堡")
_ESTATE = frozenset("区园苑城府庭湾轩阁寓厦场院坊居邨舍")
_REGION = frozenset("省市县旗盟州区")
_HOUSED = _ROAD | {"号"}
_SUFFIXES = _ROAD | _VILLAGE | _ESTATE | _REGION

_REACH = 45
_LONGEST_STEP = 11
_LONGEST_NAME = 6
_WINDOW = re.compile(rf"[\u3400-\u9fffA-Za-z0-9\-. ()]{{0,{_REACH}}}\Z")
_STOP = re.compile(
    "老家|[我他她]家|家里|家住|住址|地址|位置|户籍|籍贯|反映|投诉|举报|咨询|关于|[您你]好|领导|"
    "业主|居民|村民|市民|"
    "租住|居住|[座坐]落|购买|买了|装修|本人|现住|户口|现在|今天|昨天|目前|发往|发货|收件|上门|"
    "派送|房[子屋]|住户|"
    "希望|要求|派人|师傅|安装|维修|靠近|附近|对面|旁边|门口|路过|经过|途经|名下|以下|简称|请问|"
    "所属|来自|"
    r"[在住到于是址寄送至从去我你他她您的了系请问说给把被因个这那很]|"
    r"(?<![省市区县镇乡道路街村号栋幢座楼元]) "
)


def find_addresses(folded: Folded) -> list[Found]:
    """Find addresses that lead to somebody's door.

    Parameters
    ----------
    folded : Folded

    Returns
    -------
    list of Found
        Where two overlap, the longer holds the whole address.

    Examples
    --------
    >>> from domain.privacy.folding import fold
    >>> [found.value for found in find_addresses(fold("我住在杭州市文三路12号，在上海市浦东新区"))]
    ['杭州市文三路12号']
    """
    text = folded.text
    found = [_address(text, *door.span()) for door in _DOOR.finditer(text)]
    found += [_certain(text, *door.span(), 1) for door in _DASHED.finditer(text)]
    found += [_certain(text, *door.span(), 2) for door in _NAMED_GROUP.finditer(text)]
    return [each for each in found if each]


def _address(text: str, start: int, end: int) -> Found | None:
    path_start = _path_start(text, start)
    if not _is_personal(text[path_start:start], text[start:end]):
        return None
    return _found(text, path_start, end)


def _certain(text: str, start: int, end: int, min_steps: int) -> Found | None:
    """Take a door that is one by its form, if the path before it has steps enough."""
    path_start = _path_start(text, start)
    steps = sum(character in _SUFFIXES for character in text[path_start:start])
    return _found(text, path_start, end) if steps >= min_steps else None


def _found(text: str, start: int, end: int) -> Found:
    written = text[start:end].rstrip(" ,、-")
    value = "".join(character for character in written if character not in " \n.-").upper()
    return Found(Kind.ADDRESS, start, start + len(written), value)


def _is_personal(path: str, door: str) -> bool:
    """Whether path and door lead to one household, not to a building, a date or a line."""
    steps = _STEP.findall(door)
    units = {unit for _, unit in steps}
    last = path.rstrip(" -")[-1:]
    if last == "月":
        return False
    rooms = units & _ROOMS
    if rooms == {"户"} and not units & _BUILDINGS:
        return False
    in_room = bool(rooms) or door[-1:].isdigit()
    if in_room and units & (_BUILDINGS | _HOUSES):
        return len(path) > 1 or len(steps) > 1
    if in_room and units & _FLOORS:
        return not _HOUSED.isdisjoint(path)
    if units & _GROUPS:
        return last in _VILLAGE or path.endswith("社区")
    if units & _HOUSES and last in (_ROAD | _VILLAGE | _ESTATE):
        return not path.endswith(("小区", "街道", "地区")) or len(steps) > 1
    in_entrance = bool(units & {"单元", "單元"}) and len(units & _BUILDINGS) > 1
    return len(path) > 1 and (in_entrance or (in_room and last in _SUFFIXES))


def _path_start(text: str, door: int) -> int:
    """Read leftwards from a door to where its address starts."""
    reach = _WINDOW.search(text[max(0, door - _REACH) : door])
    path = reach[0] if reach else ""
    path = path[_last_stop(path) :]
    path = path[_first_step(path) :].lstrip(" -.)")
    return door - len(path)


def _last_stop(path: str) -> int:
    """End of the last word that can't be part of a path."""
    for stop in reversed(list(_STOP.finditer(path))):
        if not _inside_place(path, stop.start()):
            return stop.end()
    return 0


def _inside_place(path: str, index: int) -> bool:
    ends = range(index + 2, min(len(path), index + 8) + 1)
    starts = (place_ending_at(path, end) for end in ends if path[end - 1] in _REGION)
    return any(start is not None and start <= index for start in starts)


def _first_step(path: str) -> int:
    """Start of the leftmost step that is joined to the door without a long gap."""
    steps = [index for index, character in enumerate(path) if character in _SUFFIXES]
    following = [*steps, len(path)][1:]
    for index, after in zip(reversed(steps), reversed(following), strict=True):
        if after - index > _LONGEST_STEP:
            return max(index + 1, len(path) - 8 if after == len(path) else 0)
    return _name_start(path, steps[0]) if steps else max(0, len(path) - 8)


def _name_start(path: str, suffix: int) -> int:
    """Start of the name that ends with the path's first suffix."""
    start = place_ending_at(path, suffix + 1)
    if start is None:
        start = _short_name_start(path, suffix)
    if start is None:
        return max(0, suffix - _LONGEST_NAME)
    before = _short_name_before(path, start)
    return before if before is not None else start


def _short_name_start(path: str, suffix: int) -> int | None:
    starts = (at for at in range(suffix) if path[at : at + 2] in short_names())
    return next(starts, None)


def _short_name_before(path: str, end: int) -> int | None:
    starts = (
        start for start in range(max(0, end - 4), end - 1) if path[start:end] in short_names()
    )
    return next(starts, None)
