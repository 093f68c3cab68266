"""Words that carry weight: negations, spelled numbers, times and units, in English and Russian.

All are case-folded, with ``е`` for ``ё``.
"""

from typing import Final


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_NEGATIONS: Final = _words(
    """
    no not never none nobody nothing nowhere neither nor cannot without except unless не нет ни никто
    ничто ничего никогда нигде никак нельзя без кроме отменен отменена отменено отменены
    """
)
_SPELLED_NUMBERS: Final = _words(
    """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred
    thousand million billion half quarter dozen first second third fourth fifth sixth seventh eighth
    ninth tenth once twice ноль один одна одно одного одной два две двух три трех четыре четырех пять
    пяти шесть шести семь семи восемь восьми девять девяти десять десяти одиннадцать двенадцать
    пятнадцать двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто сто двести
    триста пятьсот тысяча тысячи тысяч миллион миллиона миллионов пол половина треть четверть первый
    первого второй второго третий третьего
    """
)
_TIMES: Final = _words(
    """
    january february march april may june july august september october november december jan feb mar
    apr jun jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon
    tue wed thu fri sat sun today tomorrow yesterday tonight noon midnight morning evening am pm day
    days week weeks month months year years hour hours minute minutes янв фев мар апр май мая июн июл
    авг сен окт ноя дек пн вт ср чт пт сб вс сегодня завтра послезавтра вчера полдень полночь утра утром
    вечера вечером дня днем ночи день дней неделя недели неделю недель месяц месяца месяцев год года лет
    час часа часов минута минуты минут
    """
)
_TIME_STEMS: Final = tuple(
    sorted(
        _words(
            """
    январ феврал март апрел июн июл август сентябр октябр ноябр декабр понедельник вторник сред четверг
    пятниц суббот воскресень
    """
        )
    )
)
_UNITS: Final = _words(
    """
    usd eur rub rur kzt byn dollar dollars euro euros rouble roubles ruble rubles percent kg km руб
    рубль рубля рублей доллар доллара долларов евро процент процента процентов тыс млн млрд кг км
    """
)
_NEGATING_PREFIXES: Final = ("не", "ни", "без", "бес", "un", "in", "im", "ir", "dis", "non", "non-")
_SHORTEST_NEGATED: Final = 3


def has_weight(word: str) -> bool:
    """Whether the case-folded ``word`` negates, counts, dates or measures."""
    return (
        word in _NEGATIONS
        or word in _SPELLED_NUMBERS
        or word in _TIMES
        or word in _UNITS
        or word.replace("’", "'").endswith("n't")
        or word.startswith(_TIME_STEMS)
        or any(char.isnumeric() for char in word)
    )


def negates(one: str, other: str) -> bool:
    """Whether one word is the other with a negating prefix: ``possible``, ``impossible``."""
    short, long = sorted((one, other), key=len)
    prefix = long.removesuffix(short)
    return prefix in _NEGATING_PREFIXES and len(short) >= _SHORTEST_NEGATED
