// What the video says in each language, and how that language writes money, shares and dates. Nothing here reads the clock.

const LANGUAGES = {
  en: {
    locale: 'en-US',
    voice: true,
    hello: 'Hello,',
    month: 'Here is your month',
    moneyIn: 'Money in',
    moneyOut: 'Money out',
    left: '{x} left over',
    over: '{x} more out than in',
    even: 'Out as much as in',
    spending: 'Where it went',
    total: '{x} in all',
    noSpending: 'Nothing spent',
    balance: 'Your balance',
    highest: 'Highest',
    lowest: 'Lowest',
    insight: 'Worth knowing',
    goodbye: 'See you next month.',
  },
  de: {
    locale: 'de-DE',
    voice: true,
    hello: 'Hallo,',
    month: 'Das war dein Monat',
    moneyIn: 'Eingang',
    moneyOut: 'Ausgang',
    left: '{x} bleiben übrig',
    over: '{x} mehr aus als ein',
    even: 'So viel aus wie ein',
    spending: 'Wofür es ging',
    total: '{x} insgesamt',
    noSpending: 'Nichts ausgegeben',
    balance: 'Dein Kontostand',
    highest: 'Höchster',
    lowest: 'Niedrigster',
    insight: 'Gut zu wissen',
    goodbye: 'Bis nächsten Monat.',
  },
  es: {
    locale: 'es-ES',
    voice: true,
    hello: 'Hola,',
    month: 'Este es tu mes',
    moneyIn: 'Entró',
    moneyOut: 'Salió',
    left: 'Te quedan {x}',
    over: 'Salió {x} más',
    even: 'Salió lo mismo que entró',
    spending: 'En qué se fue',
    total: '{x} en total',
    noSpending: 'No gastaste nada',
    balance: 'Tu saldo',
    highest: 'Máximo',
    lowest: 'Mínimo',
    insight: 'Un dato',
    goodbye: 'Hasta el mes que viene.',
  },
  ar: {
    locale: 'ar-EG',
    voice: false,
    hello: 'مرحبًا،',
    month: 'هذا شهرك',
    moneyIn: 'ما دخل',
    moneyOut: 'ما خرج',
    left: 'تبقّى {x}',
    over: 'خرج أكثر مما دخل بـ {x}',
    even: 'خرج بقدر ما دخل',
    spending: 'أين ذهبت أموالك',
    total: 'المجموع {x}',
    noSpending: 'لم تنفق شيئًا',
    balance: 'رصيدك',
    highest: 'الأعلى',
    lowest: 'الأدنى',
    insight: 'معلومة تهمّك',
    goodbye: 'إلى اللقاء الشهر القادم.',
  },
};

/** Formats of one language and, where money is meant, one currency. Amounts are in the currency's minor unit, as ISO 4217 has it. */
function formatsOf(language, currency = 'USD') {
  const { locale } = LANGUAGES[language];
  const money = new Intl.NumberFormat(locale, { style: 'currency', currency });
  const digits = money.resolvedOptions().maximumFractionDigits;
  const share = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0 });
  const dated = (month, options) => {
    const [year, number] = month.split('-').map(Number);
    return (day) =>
      new Intl.DateTimeFormat(locale, { timeZone: 'UTC', ...options }).format(Date.UTC(year, number - 1, day));
  };
  return {
    money: (minor) => money.format(minor / 10 ** digits),
    moneyParts: (minor) => money.formatToParts(minor / 10 ** digits),
    share: (part) => (part > 0 && part < 0.005 ? `<${share.format(0.01)}` : share.format(part)),
    monthName(month) {
      const name = dated(month, { month: 'long' })(1);
      const [first] = name;
      return first.toLocaleUpperCase(locale) + name.slice(first.length);
    },
    year: (month) => dated(month, { year: 'numeric' })(1),
    day: (month, day) => dated(month, { month: 'long', day: 'numeric' })(day),
    daysIn: (month) => new Date(Date.UTC(...month.split('-').map(Number), 0)).getUTCDate(),
  };
}
