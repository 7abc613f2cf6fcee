"""Masking of personal data: what is found, what is left alone, and where the offsets go."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from domain.errors import SettingRefused
from domain.privacy import Kind, Masked, contains_personal, mask, pseudonym, tags, without_codes
from tests.domain.personal_data import ANY_TEXT, OPEN_SPELLINGS, SPELLINGS, TELLING, Maker

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
NUMBER_KINDS = [
    Kind.MOBILE,
    Kind.LANDLINE,
    Kind.ID_CARD,
    Kind.BANK_CARD,
    Kind.PLATE,
    Kind.PASSPORT,
]


def kinds_in(text: str) -> list[Kind]:
    """Kinds of what is masked, in order."""
    return [span.kind for span in mask(text, KEY).spans]


def hidden(text: str) -> list[str]:
    """The pieces of a text that are masked."""
    return [text[span.start : span.end] for span in mask(text, KEY).spans]


@pytest.mark.parametrize(
    ("text", "kind", "piece"),
    [
        ("联系电话：13912345678，谢谢", Kind.MOBILE, "13912345678"),
        ("请打+86 139-1234-5678找我", Kind.MOBILE, "+86 139-1234-5678"),
        ("（+86）13912345678", Kind.MOBILE, "（+86）13912345678"),
        ("电话13912345678一直打不通", Kind.MOBILE, "13912345678"),
        ("座机0731-84567890", Kind.LANDLINE, "0731-84567890"),
        ("打（0731）84567890转801", Kind.LANDLINE, "（0731）84567890"),
        ("固话010 84567890-801", Kind.LANDLINE, "010 84567890-801"),
        ("家里电话84567890", Kind.LANDLINE, "84567890"),
        ("身份证11010519491231002x被冒用", Kind.ID_CARD, "11010519491231002x"),
        ("旧证号430102800101123", Kind.ID_CARD, "430102800101123"),
        ("身份证430102199913401234写错了", Kind.ID_CARD, "430102199913401234"),
        ("退到6222 0212 3456 7890 128", Kind.BANK_CARD, "6222 0212 3456 7890 128"),
        ("银行卡号6222021234567890123", Kind.BANK_CARD, "6222021234567890123"),
        ("请发zhang.san+1@vip.sina.com.cn。", Kind.EMAIL, "zhang.san+1@vip.sina.com.cn"),
        ("邮箱ａｂ＠ｑｑ．ｃｏｍ", Kind.EMAIL, "ａｂ＠ｑｑ．ｃｏｍ"),
        ("湘A·12B45违停", Kind.PLATE, "湘A·12B45"),
        ("沪AD12345被刮", Kind.PLATE, "沪AD12345"),
        ("粤B1234警", Kind.PLATE, "粤B1234警"),
        ("护照E12345678丢了", Kind.PASSPORT, "E12345678"),
        ("护照号 EA1234567", Kind.PASSPORT, "EA1234567"),
        ("通行证H1234567890", Kind.PASSPORT, "H1234567890"),
        ("我住在杭州市文三路12号5栋301室", Kind.ADDRESS, "杭州市文三路12号5栋301室"),
        ("家住从化区街口镇城内村3组12号，", Kind.ADDRESS, "从化区街口镇城内村3组12号"),
        ("春华镇金鼎村七里组的路", Kind.ADDRESS, "春华镇金鼎村七里组"),
        ("寄到阳光花园3-2-501", Kind.ADDRESS, "阳光花园3-2-501"),
        ("我叫欧阳小明，", Kind.NAME, "欧阳小明"),
        ("姓名：张伟", Kind.NAME, "张伟"),
        ("投诉人李建国反映", Kind.NAME, "李建国"),
        ("找王经理处理", Kind.NAME, "王"),
        ("本人张三丰，", Kind.NAME, "张三丰"),
        ("免贵姓李", Kind.NAME, "李"),
        ("师傅姓王。", Kind.NAME, "王"),
        ("我和王芳一起去的", Kind.NAME, "王芳"),
        ("三栋的李娜，", Kind.NAME, "李娜"),
        ("张三，男，身份证丢了", Kind.NAME, "张三"),
        ("电话+86-21-61234567", Kind.LANDLINE, "+86-21-61234567"),
        ("世纪大道100号环球中心20楼2001室", Kind.ADDRESS, "世纪大道100号环球中心20楼2001室"),
    ],
)
def test_each_kind_is_found_whole(text: str, kind: Kind, piece: str) -> None:
    """The masked span is the whole piece and nothing beside it."""
    assert (kinds_in(text), hidden(text)) == ([kind], [piece])


@pytest.mark.parametrize(
    "text",
    [
        "订单号6222021234567890128一直不发货",
        "保单号码13912345678",
        "运单号SF13912345678",
        "统一社会信用代码91430100MA4L12345X",
        "金额13912345678元",
        "售价158 20190425购买",
        "退款12,345,678.90元",
        "2019-04-25 09:32:09付款",
        "打12345、12315、95588都没用",
        "客服电话400-820-8820、800 810 8888",
        "型号KFR-35GW/N8，批号20210304A12",
        "尺寸1380*1200*350",
        "1、3、5、7、9、11、13、15",
        "一二三四五六七八九十",
        "上海市浦东新区人民路店",
        "解放路与中山路交叉口",
        "地铁2号线3号口，3号楼电梯坏了",
        "松阳村28户，3月15号",
        "去政务中心3楼301室办理",
        "工程经理、客户经理、班主任",
        "康师傅方便面，周大福珠宝店",
        "业主强烈不满，我叫了外卖，用户万分着急",
        "本人于去年购买，本人向贵局反映",
        "网址example.com，@客服",
        "不让张扬，罐头的黄桃，没有兑现的许诺",
        "民宿老板娘不错，五楼阿姨开门，宿管阿姨，三楼护士站，水司师傅，河滨公园长椅",
    ],
)
def test_what_is_nobodys_stays(text: str) -> None:
    """Order numbers, amounts, dates, hotlines, models, places and trades are left alone."""
    assert mask(text, KEY) == Masked(text, ())


@pytest.mark.parametrize("kind", NUMBER_KINDS)
@pytest.mark.parametrize("spelling", [*SPELLINGS, "HTML entity"])
def test_a_number_has_one_pseudonym_in_every_spelling(spelling: str, kind: Kind) -> None:
    """However a number is written, its code is the plain number's."""
    spell = {**SPELLINGS, **OPEN_SPELLINGS}[spelling]
    maker = Maker(11)
    for _ in range(5):
        number = maker.bare(kind)
        written = spell(number, kind)
        if written is None:
            continue
        spans = mask(f"{maker.said(kind)}{written}，谢谢", KEY).spans
        assert {span.pseudonym for span in spans} == {pseudonym(kind, number, KEY)}


def test_lookalikes_reversal_and_a_digit_too_many_are_caught_where_words_tell() -> None:
    """The letter O, a bidi override and a glued number after 手机 give the number's own code."""
    expected = pseudonym(Kind.MOBILE, "13900345671", KEY)
    for written in ("139OO34567l", "\u202e17654300931\u202c", "139003456719"):
        spans = mask(f"手机{written}", KEY).spans
        assert [span.pseudonym for span in spans] == [expected]


@pytest.mark.parametrize("kind", list(Maker(0).makers))
def test_made_up_complaints_are_masked(kind: Kind) -> None:
    """Recall holds on a small sample: all numbers, nearly all addresses, most names."""
    maker = Maker(2)
    samples = [maker.sample(kind) for _ in range(150)]
    found = sum(sample.is_covered(mask(sample.text, KEY)) for sample in samples)
    least = {Kind.ADDRESS: 0.95, Kind.NAME: 0.90}.get(kind, 1.0)
    assert found >= least * len(samples)


def test_harmless_complaints_are_left_alone() -> None:
    """At most one in two hundred harmless complaints loses a character."""
    maker = Maker(4)
    texts = [maker.harmless() for _ in range(400)]
    assert sum(bool(mask(text, KEY).spans) for text in texts) <= 2


@settings(max_examples=300, deadline=None)
@given(st.one_of(ANY_TEXT, TELLING))
@example("13912345678\u20e3\u200b14912345678")
@example("&#13912345678;")
@example("订单号张伟13912345678，我叫张伟")
def test_unmasked_characters_stay_and_masking_twice_changes_nothing(text: str) -> None:
    """Spans lie apart in order, what is between them is the original, tags are stable."""
    masked = mask(text, KEY)
    position = masked_position = 0
    for span in masked.spans:
        assert position <= span.start < span.end
        assert text[position : span.start] == masked.text[masked_position : span.masked_start]
        tag = f"〔{span.kind.label}·{span.pseudonym}〕"
        assert masked.text[span.masked_start : span.masked_end] == tag
        position, masked_position = span.end, span.masked_end
    assert text[position:] == masked.text[masked_position:]
    assert mask(masked.text, KEY) == Masked(masked.text, ())
    assert contains_personal(masked.text) == []


@settings(max_examples=100, deadline=None)
@given(TELLING)
def test_offsets_map_both_ways(text: str) -> None:
    """Outside masked pieces an offset comes back; inside, it snaps to the piece's ends."""
    masked = mask(text, KEY)
    inside = {at for span in masked.spans for at in range(span.start + 1, span.end)}
    for offset in range(len(text) + 1):
        moved = masked.to_masked(offset)
        if offset not in inside:
            assert masked.to_original(moved) == offset
            assert masked.text[moved : moved + 1] in {text[offset : offset + 1], "〔"}
    for span in masked.spans:
        middle = span.masked_start + 1
        ends = masked.to_original(middle), masked.to_original(middle, end=True)
        assert ends == (span.start, span.end)


def test_evidence_in_a_masked_text_is_found_in_the_original() -> None:
    """A span of the masked text maps to the same words of the original."""
    text = "我叫张伟，手机13912345678，空调不制冷"
    masked = mask(text, KEY)
    start = masked.text.index("空调")
    span = masked.to_original(start), masked.to_original(start + 5, end=True)
    assert text[slice(*span)] == "空调不制冷"


def test_the_key_decides_the_code() -> None:
    """One key gives one code, another key another."""
    codes = [pseudonym(Kind.MOBILE, "13912345678", key) for key in (KEY, KEY, OTHER_KEY)]
    assert codes[0] == codes[1] != codes[2]


def test_kinds_have_codes_of_their_own() -> None:
    """The same digits as landline and as mobile are two persons' data."""
    assert pseudonym(Kind.NAME, "张伟", KEY) != pseudonym(Kind.ADDRESS, "张伟", KEY)


@pytest.mark.parametrize("size", [0, 15])
def test_a_short_key_is_refused(size: int) -> None:
    """A key under 16 bytes is refused by name, even for a text with nothing to mask."""
    with pytest.raises(SettingRefused, match=f"{size} bytes; it needs at least 16"):
        mask("你好", bytes(size))


def test_a_column_of_numbers_meets_the_text() -> None:
    """A customer id that is a phone number gets the code that the number has in texts."""
    spans = mask("我的手机是幺三九一二三四五六七八", KEY).spans
    assert pseudonym(Kind.CUSTOMER, "+86-139-1234-5678", KEY) == spans[0].pseudonym
    assert pseudonym(Kind.CUSTOMER, " Ｃ001 ", KEY) == pseudonym(Kind.CUSTOMER, "C001", KEY)


def test_old_and_new_identity_cards_are_one_person() -> None:
    """A 15-digit number has the code of the 18-digit one that replaced it."""
    new = pseudonym(Kind.ID_CARD, "430102198001011233", KEY)
    assert pseudonym(Kind.ID_CARD, "430102800101123", KEY) == new


def test_a_name_is_masked_wherever_it_stands_again() -> None:
    """Once a name is known from its context, its other places are masked alike."""
    masked = mask("我叫张晓伟，身份证被冒用。登记的是张晓伟的号", KEY)
    assert "张晓伟" not in masked.text
    assert len({span.pseudonym for span in masked.spans}) == 1


def test_only_chosen_kinds_are_masked() -> None:
    """Kinds that are not asked for stay."""
    text = "我叫张伟，手机13912345678"
    assert [span.kind for span in mask(text, KEY, {Kind.MOBILE}).spans] == [Kind.MOBILE]
    assert contains_personal(text, {Kind.NAME}) == [Kind.NAME]


def test_tags_are_read_back_and_shortened() -> None:
    """Tags of a masked text can be listed, and cut to their class for a model."""
    masked = mask("手机13912345678，邮箱a@qq.com", KEY)
    assert [tag.kind for tag in tags(masked.text)] == [Kind.MOBILE, Kind.EMAIL]
    assert without_codes(masked.text) == "手机〔手机〕，邮箱〔邮箱〕"


def test_a_code_is_no_word_and_no_number() -> None:
    """Codes are ten consonants, so that nothing in them can be found again."""
    assert re.fullmatch("[b-df-hj-np-tv-z]{10}", pseudonym(Kind.NAME, "张伟", KEY))


@pytest.mark.parametrize(
    ("text", "kind", "piece"),
    [
        ("电话138*0013*8000没人接", Kind.MOBILE, "138*0013*8000"),
        ("打138#0013#8000", Kind.MOBILE, "138#0013#8000"),
        ("邮箱user(at)mail.com", Kind.EMAIL, "user(at)mail.com"),
        ("邮箱user（at）mail（dot）com", Kind.EMAIL, "user（at）mail（dot）com"),
        ("写信到user#mail.com", Kind.EMAIL, "user#mail.com"),
        ("user at mail dot com", Kind.EMAIL, "user at mail dot com"),
        ("加我QQ：1234567890", Kind.ACCOUNT, "1234567890"),
        ("扣扣号是987654321", Kind.ACCOUNT, "987654321"),
        ("微信号zhangsanfeng", Kind.ACCOUNT, "zhangsanfeng"),
        ("vx abc_12345", Kind.ACCOUNT, "abc_12345"),
        ("香港身份证A123456(3)", Kind.ID_CARD, "A123456(3)"),
        ("澳门居民，证件号1234567(8)", Kind.ID_CARD, "1234567(8)"),
        ("台湾身份证A123456789", Kind.ID_CARD, "A123456789"),
        ("请打+852 6123 4567", Kind.MOBILE, "+852 6123 4567"),
        ("+853-66123456", Kind.MOBILE, "+853-66123456"),
        ("台湾手机0912-345-678", Kind.MOBILE, "0912-345-678"),
        ("+886 912 345 678", Kind.MOBILE, "+886 912 345 678"),
        ("我 叫 王 小 明", Kind.NAME, "王 小 明"),
        ("联系人：王 小明", Kind.NAME, "王 小明"),
        ("张 经理态度差", Kind.NAME, "张"),
    ],
)
def test_further_ways_to_write_who_one_is(text: str, kind: Kind, piece: str) -> None:
    """Chat accounts, neighbours' numbers, stars, spelt addresses, spaced names."""
    assert [(s.kind, text[s.start : s.end]) for s in mask(text, KEY).spans] == [(kind, piece)]


@pytest.mark.parametrize(
    "text",
    [
        "尺寸150*1200*2000",
        "床150*2000*1800mm",
        "1*3812*345678",
        "型号A123456(3)",
        "编号A123456789",
        "微信Windows客户端打不开",
        "微信iPhone14闪退",
        "微信小程序version202",
        "微信支付订单号wx20210304abc",
        "QQ会员88888元",
        "订单85291234567",
        "1#mail 和 2#mail",
        "我 的 手 机 坏 了",
    ],
)
def test_what_only_looks_like_it_stays(text: str) -> None:
    """Sides of things, product names, order numbers."""
    assert mask(text, KEY).spans == ()


def test_an_address_spelt_round_its_sign_has_the_code_of_the_plain_one() -> None:
    """So that one person stays one person."""
    spelt = ("a.b@mail.com", "a.b(at)mail.com", "a.b[at]mail[dot]com", "A.B#MAIL.COM")
    assert len({mask(f"邮箱 {one}", KEY).spans[0].pseudonym for one in spelt}) == 1
