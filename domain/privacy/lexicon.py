"""Chinese surnames, what given names are made of, and words that only look like names."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from domain.errors import SettingRefused

_MIN_COUNT = 4
_LIKE_NAMES = frozenset({"王子", "孙子", "林子", "李子", "林立", "王朝", "汪洋", "康师"})


def _pairs(words: str) -> frozenset[str]:
    """Cut a line of two-character words."""
    return frozenset(map("".join, zip(words[::2], words[1::2], strict=True)))


SURNAMES = frozenset(
    "張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧蕭蔣葉蘇魏呂盧鍾譚陸賈韋鄒閆龍賀顧龔邵萬錢嚴戴湯溫齊喬龐顏"
    "莊聶魯王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜"
    "叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛"
    "郝龚邵万钱严覃武戴莫孔向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左"
    "柳甘祝包宁尚符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳欧阳管柴蒙鲍华喻祁蒲房滕"
    "屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵"
    "苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池查麻苑迟邝官封谈匡鞠惠荆乐冀胥南班储"
    "原栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻位厉伊仝区郜海阚花权强帅屠豆朴盖练廉禹井祖漆巴丰支卿国狄平"
    "计索宣晋相初门云容敬来扈晁芮都普阙浦戈伏鹿薄邸雍辜羊阿乌母裘亓修邰赫杭况那宿鲜印逯隆茹诺战"
    "慕危玉银亢嵇公哈湛宾戎勾茅利於呼居揭干但尉冶斯元束檀衣信展阴昝幸衡尧"
)
TRUSTED_SURNAMES = frozenset(
    "張劉陳楊黃趙吳孫羅鄭謝許韓馮鄧蕭蔣蘇魏呂盧譚陸賈韋鄒閆賀龔邵嚴湯喬龐顏聶魯王李张刘陈杨黄赵"
    "吴周徐孙朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭肖董袁潘蒋蔡余杜叶苏魏吕沈姚卢姜崔谭陆汪范廖贾韦"
    "邹孟熊秦邱尹薛闫侯陶黎贺顾郝龚邵覃戴汤樊葛邢乔伍庞颜倪聂鲁岳翟殷詹耿俞柳阮柯凌裴霍骆靳鲍祁"
    "滕牟缪褚娄窦戚岑佟臧闵邬卞栾隋刁甄虞佘邝鄢谌冼蔺"
)
"""Surnames that are hardly ever the first character of another word."""

COMPOUND_SURNAMES = _pairs(
    "欧阳上官司马诸葛皇甫尉迟公孙慕容令狐长孙宇文司徒夏侯端木东方南宫独孤轩辕百里呼延申屠澹台太"
    "史公冶濮阳淳于单于钟离闻人万俟赫连司空鲜于闾丘亓官东郭西门第五拓跋纳兰歐陽諸葛"
)

GIVEN = frozenset(
    "伟刚勇毅俊峰强军平保东文辉力明永健世广志义兴良海山仁波宁贵福生龙元全国胜学祥才发武新利清飞"
    "彬富顺信子杰涛昌成康星光天达安岩中茂进林有坚和彪博诚先敬震振壮会思群豪心邦承乐绍功松善厚庆"
    "磊民友裕河哲江超浩亮政谦亨奇固之轮翰朗伯宏言若鸣朋斌梁栋维启克伦翔旭鹏泽晨辰士以建家致树炎"
    "德行时泰盛雄琛钧冠策腾楠榕风航弘秀娟英华慧巧美娜静淑惠珠翠雅芝玉萍红娥玲芬芳燕彩春菊兰凤洁"
    "梅琳素云莲真环雪荣爱妹霞香月莺媛艳瑞凡佳嘉琼勤珍贞莉桂娣叶璧璐娅琦晶妍茜秋珊莎锦黛青倩婷姣"
    "婉娴瑾颖露瑶怡婵雁蓓纨仪荷丹蓉眉君琴蕊薇菁梦岚苑婕馨瑗琰韵融园艺咏卿聪澜纯毓悦昭冰爽琬茗羽"
    "希欣飘育滢馥筠柔竹霭凝晓欢霄枫芸菲寒伊亚宜可姬舒影荔枝丽阳军小大晓轩宇涵梓欣怡诗睿铭昊皓洋"
    "洁帆凯琪瑜敏卫根喜来水土火金银宝珍连方立本正长培景耀宗祖光兆炳锋钢铁柱栓锁玺玮珂"
)
"""Characters frequent in given names; they settle doubt, they are no condition."""


FUNCTION = frozenset(
    "的了在是于已被向与对因从把将要想也就都还又说称等这那没不去到买打找给让请问我你他她它们个男"
    "岁年月日号元后前上下里吗呢吧啊哦嗯么什怎哪谁每各该此其之所以及或但而则且若均曾经能会可应须"
    "得地着过来用购投反咨举报诉求拨致联电手身家住址刚再才只仅并很太更最比按照据称接收付退换订租"
    "卖送寄发开关坐站走跑叫喊骂告通知约办交领取做干使至为有和跟同现今昨明天"
)
FOLLOWING = _pairs(
    "投诉反映反馈来电致电电话手机身份住址地址家住住在购买要求希望表示认为想要咨询举报申请于今今"
    "年去年昨天今天前天上周上月现在目前之前刚才本人女士先生师傅老师经理主任同志小姐联系态度服务"
    "辱骂推诿拒绝答应承诺告诉告知通知接待处理办理负责收取上门安装维修帮我给我让我和我跟我对我把"
    "我说是说要女儿儿子家属家人及其等人一家两人二人三人夫妇夫妻性别年龄职业民族籍贯出生工号职务"
    "单位微信邮箱车牌护照账号卡号银行所有名下户口签字签名签收盖章收款汇款转账借款欠款拖欠代理代"
    "表委托授权失踪去世死亡受伤被打住院就诊手术打电打来打人骂人动手不接不理不在没有一直多次再次"
    "已经曾经经常总是从来仍然至今以及因为由于为了如果预订预约预定订购下单付款支付充值缴费退款退"
    "货换货入住租住居住租赁乘坐驾驶停放报名参加使用发现收到提出请求恳求强烈急需需要想问请问您好"
    "你好谢谢感谢"
)
"""What a given name is hardly made of, and two characters that often follow a name."""


@cache
def ordinary_words() -> frozenset[str]:
    """Two-character words of jieba's dictionary that are no names of persons.

    Examples
    --------
    >>> {"高兴", "方便", "时候"} <= ordinary_words(), "李娜" in ordinary_words()
    (True, False)
    """
    spec = find_spec("jieba")
    if spec is None or spec.origin is None:
        raise SettingRefused("jieba is not installed; its dictionary is needed to tell names")
    entries = Path(spec.origin).with_name("dict.txt").read_text("utf-8").splitlines()
    words = (entry.split(" ") for entry in entries if entry[2:3] == " ")
    return _LIKE_NAMES.union(word for word, count, part in words if _is_word(word, count, part))


def _is_word(word: str, count: str, part_of_speech: str) -> bool:
    """Whether an entry is a word in use; what jieba calls a name must look like one besides."""
    looks_like_name = word[0] in TRUSTED_SURNAMES and word[1] in GIVEN
    return int(count) >= _MIN_COUNT and not (part_of_speech.startswith("nr") and looks_like_name)
