"""Chinese surnames, what given names are made of, and words that only look like names."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from domain.errors import SettingRefused

_MIN_COUNT = 20


def _pairs(words: str) -> frozenset[str]:
    """Cut a line of two-character words."""
    return frozenset(map("".join, zip(words[::2], words[1::2], strict=True)))


_LIKE_NAMES = _pairs(
    "王子孙子林子李子林立王朝汪洋康师许可金茂杨梅黄桃张扬胡来刁民许诺余光余生叶子唐山黎明"
)
SURNAMES = frozenset(
    "亓仉逄乜郗谯佴缑麴逯笪怀蓟訾宓蔚糜厍荀郤翦阙步闾句仝钮鄂沃郁胥苍双莘郏裘昌贲滑红游竺盍爰柏"
    "水邢汲邴郦雍璩濮寿扈冀浦尚农晏瞿阎慕连习宦鱼古易慎戈廖庾终暨衡耿弘匡文寇禄殳利夔隆巩聂晁勾"
    "敖融冷辛简空沙养鞠巢蒯查权桓張劉陳楊黃趙吳孫馬羅鄭謝許韓馮鄧蕭蔣葉蘇魏呂盧鍾譚陸賈韋鄒閆龍"
    "賀顧龔邵萬錢嚴戴湯溫齊喬龐顏莊聶魯王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯"
    "邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏吕丁任沈姚卢姜崔钟谭陆汪范金石贾夏韦付方白邹孟熊秦邱江尹"
    "薛闫段雷侯龙史陶黎贺顾毛郝龚万钱严覃武莫孔向汤温康施牛樊葛安齐乔伍庞颜倪庄章鲁岳翟殷詹申欧"
    "关兰焦俞左柳甘祝包宁符舒阮柯纪梅童凌毕单季裴霍涂成苗谷盛曲翁冉骆蓝路靳阳管柴蒙鲍华喻祁蒲房"
    "滕屈饶解牟艾尤穆司卓吉缪项芦麦褚娄窦戚岑景宫费卜席卫米宗桂全佟应臧闵苟邬边卞姬仇栾隋商刁荣"
    "巫桑郎甄丛仲虞明佘池麻苑迟邝官封谈惠荆乐南储栗燕楚鄢劳谌奚皮粟冼蔺楼盘满闻厉伊郜海阚花强帅"
    "屠豆朴盖练廉禹井祖漆巴丰支卿狄平计索宣晋相门云容敬芮普伏鹿薄邸辜羊阿乌母邰赫杭宿鲜印茹诺战"
    "危玉银亢嵇公哈湛宾戎茅於呼揭干尉冶斯元束檀衣信展阴昝幸尧"
)
TRUSTED_SURNAMES = frozenset(
    "丁張劉陳楊黃趙吳孫羅鄭謝許韓馮鄧蕭蔣蘇魏呂盧譚陸賈韋鄒閆賀龔邵嚴湯喬龐顏聶魯王李张刘陈杨黄"
    "赵吴周徐孙朱胡郭何林罗郑梁谢宋唐许韩冯邓曹彭肖董袁潘蒋蔡余杜叶苏吕沈姚卢姜崔谭陆汪范廖贾韦"
    "邹孟熊秦邱尹薛闫侯陶黎贺顾郝龚覃戴汤樊葛邢乔伍庞颜倪聂鲁岳翟殷詹耿俞柳阮柯凌裴霍骆靳鲍祁滕"
    "牟缪褚娄窦戚岑佟臧闵邬卞栾隋刁甄虞佘邝鄢谌冼蔺"
)
"""Surnames that are hardly ever the first character of another word."""

COMPOUND_SURNAMES = _pairs(
    "欧阳上官司马诸葛皇甫尉迟公孙慕容令狐长孙宇文司徒夏侯端木东方南宫独孤轩辕百里呼延申屠澹台太"
    "史公冶濮阳淳于单于钟离闻人万俟赫连司空鲜于闾丘亓官东郭西门第五拓跋纳兰歐陽諸葛"
)

GIVEN = frozenset(
    "二三四五六七八九烨靖煜佑渊曦诺思博彦昱哲绮霖霏雯汐沐泓沛淼淇渝湘瀚灏焕熠燚瑄璇璟皎盈祺禾穆"
    "筱紫翊芊芮苒莹菡萌萱蔓蕾虹蝶誉谨赫轶迪遥钊钰铄铮锐镇霁飒骁骏鸿鹤麒龄佩依倪儿冠凌凤创劲勋化"
    "北南卉厚吟品嗣城培墨奎好如妙婧媚孝宏宣容寅寒寿尔岗岳峥崇川巍帅幼彤彩影征恒恩悠惟愉慈戈扬振"
    "捷政教敖斐旋旦旺昂昆春曙曼望朗朝木权松柏柯柱栩桐桃桦棋森楚榆樱欢歌池沁沙洪浪润涓淳溪滔漫潇"
    "澄灵炎烁焰煌照熹爵牧特玄珏珑瑛璞甜生画皇益睦知石研祁祝禄秦科程稳童竞笑箫粤纪织绣罡翎联聚职"
    "胤臣舟苏若茂范荟荷葆蒙蓝藤衍谊谷豪贞贝质赋跃轩辰逸遂郁采钦铃锡闻闽阔陶隽雁雄雅雷霜非韬韶顶"
    "顺领颂频馨驰驹魁鲁鸣麟默齐召弟招援娃妞嫂银喆垚翀骞颢湉伟刚勇毅俊峰强军平保东文辉力明永健世"
    "广志义兴良海山仁波宁贵福龙元全国胜学祥才发武新利清飞彬富信子杰涛昌成康星光天达安岩中进林有"
    "坚和彪诚先敬震壮会群心邦承乐绍功善庆磊民友裕河江超浩亮谦亨奇固之轮翰伯言朋斌梁栋维启克伦翔"
    "旭鹏泽晨士以建家致树德行时泰盛琛钧策腾楠榕风航弘秀娟英华慧巧美娜静淑惠珠翠芝玉萍红娥玲芬芳"
    "燕菊兰洁梅琳素云莲真环雪荣爱妹霞香月莺媛艳瑞凡佳嘉琼勤珍莉桂娣叶璧璐娅琦晶妍茜秋珊莎锦黛青"
    "倩婷姣婉娴瑾颖露瑶怡婵蓓纨仪丹蓉眉君琴蕊薇菁梦岚苑婕瑗琰韵融园艺咏卿聪澜纯毓悦昭冰爽琬茗羽"
    "希欣飘育滢馥筠柔竹霭凝晓霄枫芸菲伊亚宜可姬舒荔枝丽阳小大宇涵梓诗睿铭昊皓洋帆凯琪瑜敏卫根喜"
    "来水土火金宝连方立本正长景耀宗祖兆炳锋钢铁栓锁玺玮珂"
)
"""Characters frequent in given names; they settle doubt, they are no condition."""


DOUBTFUL_SURNAMES = frozenset("向费全成安房云平计从任应宿楼门司公祝管")
"""Surnames that mostly are other words; before a title they need the start of a clause."""

PARTICLES = frozenset("的了吗呢吧啊哦嗯么是在不没我你他她")
FUNCTION = frozenset(
    "的了在是于已被向与对因从把将要想也就都还又说称等这那没不去到买打找给让请问我你他她它们个男"
    "岁年月日号元后前上下里吗呢吧啊哦嗯么什怎哪谁每各该此其之所以及或但而则且若均曾经能会可应须"
    "得地着过来用购投反咨举报诉求拨致联电手身家住址刚再才只仅并很太更最比按照据接收付退换订租卖"
    "送寄发开关坐站走跑叫喊骂告通知约办交领取做干使至为有和跟同现今昨"
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
    "你好谢谢感谢一起一同之间"
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
