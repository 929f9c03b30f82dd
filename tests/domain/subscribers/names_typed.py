"""What people type as their first name, and what others type there so that an email says it."""

import re

_APART = re.compile(r"\s*[/\n]\s*")

#: Real names, of one to three words.
NAMES = _APART.split(
    """
Mary Jane / Anna Lena Sophie / Jean-Luc / O'Neil / Nguyễn Thị / José María / Penny Free
Johnny Cash / Eddie Money / Win Htut / Won Bin / You Jin / Lucky Singh / Gift Ngoepe / Vincent Price
Will Grant / Bill Gates / Rich Hall / Joy / Hope / Faith / Grace / May / June / April / Dot
Loan / Nguyễn Loan / Trần Thị Mai / Lê Văn An / Phạm / My / Thế Anh / Đỗ Minh / Thu Hà / Ngọc Ánh
Seo Yeon / Seo Jun / Kim Min-jun / Park Ji-sung / 김민준 / 이서연 / 박 지성 / 李小龙 / 王芳 / 陈
さくら / ひろし / 佐藤 健 / タロウ / 田中さくら / 葉月 / Yūki / Shō / Kenji / Naomi
Мария / Анна Мария / Сергей / Юлія / Олександр / Наталья / Ёлка / Ђорђе / Живка / Димитър
Ελένη / Γιώργος / Αθηνά / Νίκος / Δημήτρης / Արմեն / Անահիտ / ნინო / გიორგი / Թամարա
محمد / فاطمة الزهراء / عبد الله / علی / زهرا / نور / שרה / דוד / יעל / משה
राम / प्रिया / आरती देवी / অনন্যা / ਹਰਪ੍ਰੀਤ / ગીતા / முருகன் / లక్ష్మి / ಶ್ರೀ / മീര
สมชาย / พรทิพย์ / Earn / မြင့် / ខេមរា / ນາງ / ሰላም / Tsegaye / Nomvula / Thandiwe
Zoë / Chloë / Noël / François / Hélène / Benoît / Anaïs / Marie-Thérèse / Loïc / Maël
Søren / Åsa / Jørgen / Øyvind / Björk / Þórunn / Guðrún / Are / Sigríður / Ásgeir
Jürgen / Käthe / Björn / Götz / Anke / Hans-Peter / Karl Heinz / Anna-Lena / Uwe / Heike
José / Ángel / Íñigo / Begoña / Núria / Iker / María José / Juan Carlos / Ana Sofía / Guadalupe
João / Conceição / Inês / António / Ângela / Luís Filipe / Caetano / Thaís / Luzia / Mariângela
Łukasz / Żaneta / Małgorzata / Wojciech / Zdzisław / Jiří / Šárka / Ondřej / Ľubica / Zdeňka
Zsófia / György / Ildikó / Răzvan / Ștefan / Ioana / Ilinca / Đorđe / Željka / Žiga
Çağla / Şule / İbrahim / Işıl / Gülşen / Can / Deniz / Əli / Nurlan / Aigerim
Siobhán / Caoimhe / O'Brien / D'Arcy / Llŷr / Siân / Iain / Mairi / Seán / Niamh
Kaʻiulani / Leilani / Tāne / Aroha / N'Golo / Ta'Quan / Mary Ann / Peggy Sue / Billie Jean / Ann M.
Jāzeps / Līga / Žydrūnas / Õnne / Äli / Jürgo / Ömer / Mehmet Ali / Siti Nurhaliza / Putu Ayu
""".strip()
)

#: Lines that advertise, deceive or are no name at all.
SENTENCES = (
    (
        """
Claim your prize now
Free Bitcoin
Visit example com
Win Cash
Click Here Now
You Won
Claim prize
Your prize
Free Money
Free iPhone
Free Gold
Win Money
Win Big
Win Now
You Win
Get Rich
Get Rich Quick
Make Money
Make Money Fast
Easy Money
Easy Cash
Fast Cash
Big Win
Hot Girls
Hot Deal
Best Price
Top Deal
Buy Now
Buy Viagra
Cheap Pills
Online Casino
Casino Bonus
Crypto Wallet
Bitcoin
Viagra
Casino
Hello Friend
Hi You
Dear Winner
Lucky Winner
You Winner
Please Reply
Please Click
Click
CLICK HERE
click here
Subscribe Now
Unsubscribe Here
Download Free
Order Now
Order Today
Limited Offer
Special Offers
Exclusive Deal
Urgent Reply
Congratulations
Congrats Winner
Visit My Site
Visit Us
Sexy Singles
Dating Online
Forex Profit
Invest Today
Payday Loans
Cheap Loan
Reset Password
Account Expires
Amazing Discount
Earn Money
Earn Cash Fast
Cash Bonus
Free Trip
Hacked
This Is Spam
Telegram Channel
WhatsApp Me
www example com
example.com
example.com/win
Ann.example.org
https://example.org
Ann@example.org
Win 1000
1st Prize
Ann 4 you
Ann 😀
🎁 Anna
★ Anna ★
Anna!!!
$Anna$
Аnna
Anna Мария
Сlick Неre
𝐂𝐥𝐢𝐜𝐤 𝐇𝐞𝐫𝐞
Ｃｌｉｃｋ Ｈｅｒｅ
ᴄʟɪᴄᴋ ʜᴇʀᴇ
Jetzt kaufen
Kostenlos
Cliquez ici
Gagnez maintenant
Haga clic aquí
Clicca qui
Clique aqui
Kliknij tutaj
Бесплатно
Нажмите здесь
Выиграл приз
one two three four
Anna paid for lunch today
"""
    )
    .strip()
    .splitlines()
)
