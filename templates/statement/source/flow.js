// Scene 2: what came in rises from the horizon, what went out digs below it; both to one scale.

const TALLEST = 470;

function createFlow() {
  const $ = (id) => document.getElementById(id);
  const drawing = $('flow');
  const into = svg(drawing, 'rect', { x: 0, width: WIDTH, fill: COLOUR.straw });
  const out = svg(drawing, 'rect', { x: 0, width: WIDTH, fill: COLOUR.sun });
  let flow;
  return {
    set({ language, currency, moneyIn, moneyOut }) {
      const words = LANGUAGES[language];
      const { money, moneyParts } = formatsOf(language, currency);
      const most = Math.max(moneyIn, moneyOut, 1);
      const net = moneyIn - moneyOut;
      $('flow-in-label').textContent = words.moneyIn;
      $('flow-out-label').textContent = words.moneyOut;
      const text = $('flow-net-text');
      const sentence = net > 0 ? words.left : net < 0 ? words.over : words.even;
      text.textContent = sentence.replace('{x}', money(Math.abs(net)));
      text.style.fontSize = px(
        Math.min(60, Math.floor((6000 * 0.98 * 912) / (60 * ruler.width(text.textContent, 'net')))),
      );
      text.classList.toggle('below', net < 0);
      const fit = { width: 908, largest: 196 };
      flow = {
        high: Math.round((TALLEST * moneyIn) / most),
        deep: Math.round((TALLEST * moneyOut) / most),
        moneyIn,
        moneyOut,
        net,
        showIn: setAmount($('flow-in-amount'), [moneyIn], moneyParts, fit),
        showOut: setAmount($('flow-out-amount'), [moneyOut], moneyParts, fit),
        still: moneyIn === 0 && moneyOut === 0,
      };
    },
    draw(t) {
      const rise = EASE.grow(span(t, 0.3, 1.15));
      const dig = EASE.grow(span(t, 0.62, 1.15));
      const flood = EASE.camera(span(t, 2.36, 0.58));
      const gone = EASE.leave(span(t, 2.24, 0.26));
      const high = Math.round(flow.high * rise);
      const deep = Math.round(flow.deep * dig);
      put(into, { y: HORIZON - high, height: high });
      const top = Math.round(HORIZON * (1 - flood));
      put(out, { y: top, height: Math.round(mix(HORIZON + deep, HEIGHT, flood)) - top });
      flow.showIn(flow.moneyIn * rise);
      flow.showOut(flow.moneyOut * dig);
      ride(
        $('flow-in'),
        HORIZON - high - 300,
        EASE.gentle(span(t, 0.18, 0.4)) * (1 - gone),
        40 * (1 - EASE.settle(span(t, 0.18, 0.7))),
      );
      ride(
        $('flow-out'),
        HORIZON + deep,
        EASE.gentle(span(t, 0.5, 0.4)) * (1 - gone),
        -40 * (1 - EASE.settle(span(t, 0.5, 0.7))),
      );
      const said = EASE.gentle(span(t, 1.2, 0.35)) * (1 - gone);
      const middle = flow.net < 0 ? HORIZON + flow.deep / 2 : HORIZON - flow.high / 2;
      ride($('flow-net'), Math.round(flow.still ? 400 : middle) - 60, said, 26 * (1 - EASE.settle(span(t, 1.2, 0.6))));
    },
  };
}

function ride(element, y, opacity, away) {
  element.style.visibility = opacity > 0 ? 'inherit' : 'hidden';
  element.style.opacity = num(opacity);
  element.style.transform = `translateY(${Math.round(y + away)}px)`;
}
