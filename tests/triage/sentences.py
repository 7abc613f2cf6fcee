"""Texts that the triage tests share; every one was written for them."""

from __future__ import annotations

from itertools import product

import numpy as np

from triage.lesson import Table

COMPLAINTS = (
    "手机用了三天屏幕一直闪，客服电话打不通，再不解决我就去12315投诉！",
    "空调装好才一个星期就不制冷了，维修师傅来了两次都没有修好。",
    "快递显示已签收，可是我根本没有收到，打电话给快递员也不接。",
    "订的红色连衣裙，寄来的是蓝色，尺码也小了一号，申请换货被拒绝。",
    "充电宝充电的时候突然起火，把床单烧了，孩子的手也烫伤了。",
    "餐厅上菜等了一个半小时，催了三次服务员还翻白眼。",
    "外卖里吃出一只苍蝇，商家说最多退五块钱，太恶心了。",
    "酒店房间隔音很差，半夜走廊里一直有人说话，没法睡觉。",
    "说好的满减活动，结账的时候却说已经结束了，这不是骗人吗？",
    "退款申请了半个月还没有到账，每次都说正在处理。",
    "这个月话费莫名其妙多扣了三十八块钱，查了账单也说不清楚。",
    "App更新以后一打开就闪退，重装了几次还是登录不了。",
    "小区门口的路灯坏了一个多月，晚上出门黑漆漆的，没有人来修。",
    "楼下烧烤店天天营业到凌晨，油烟和噪音吵得全家睡不着。",
    "买的鸡蛋打开一半是坏的，臭得不行，还说不能退。",
    "电视送来的时候包装破了，屏幕右下角有一条裂缝。",
    "客服态度非常好，问题当天就解决了，谢谢你们！",
    "请问会员积分怎么兑换礼品？在哪里可以看到自己的积分？",
    "建议在三号门增加一个充电桩，方便大家给电动车充电。",
    "师傅上门安装收了我两百块材料费，没有发票也没有清单。",
    "洗衣机脱水的时候震动特别厉害，声音大得像拖拉机。",
    "被骗去听讲座，花了八千块买的保健品，一点用都没有，要求退钱！",
    "工地拖欠我们几十名工人三个月工资，老板电话打不通，我们已经去劳动局上访。",
    "家里燃气泄漏，打了抢修电话两个小时还没人来，太吓人了！",
)


def written_table() -> Table:
    """Two hundred sentences of parts that fit together, with all four targets."""
    things = ("手机", "空调", "洗衣机", "电视", "音箱", "水壶", "风扇", "键盘", "台灯", "冰箱")
    faults = (
        ("屏幕一直闪，看不清楚", ("1002",), "产品质量", "普通", "不满"),
        ("漏电，孩子被电到送医院了", ("7002",), "安全卫生", "重大", "愤怒"),
        ("快递三天还没有送到", ("4001",), "物流配送", "普通", "焦虑"),
        ("退款一直不给，钱也要不回来", ("6002",), "售后服务", "紧急", "愤怒"),
        ("很好用，非常满意，谢谢", (), "无投诉", "普通", "正面"),
    )
    starts = ("上周买的", "新换的", "网上订的", "朋友送的")
    rows = [
        (start + thing + words, issues, category, tier, mood)
        for start, thing, (words, issues, category, tier, mood) in product(starts, things, faults)
    ]
    texts, issues, categories, tiers, moods = map(list, zip(*rows, strict=True))
    labels = {"category": categories, "issues": issues, "tier": tiers, "sentiment": moods}
    return Table(texts, labels, np.arange(len(texts)) % 2 == 0, "sentences written for tests")
