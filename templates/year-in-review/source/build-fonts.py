"""Writes the font files of ../fonts and fonts.css from @fontsource packages (SIL OFL 1.1).

    pip install fonttools brotli
    python build-fonts.py PATH/TO/node_modules/@fontsource

Only needed when a font changes: its output is committed. The embed step does not run it.
"""
import io, pathlib, re, sys
from fontTools import subset
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont

SOURCE = pathlib.Path(sys.argv[1])
VARIABLE = SOURCE.parent / "@fontsource-variable"
HERE = pathlib.Path(__file__).parent
FONTS = HERE.parent / "fonts"
FALLBACK = "Review Fallback"
EMOJI = "Review Emoji"


def codec_chars(codec, first, last):
    """Every character of a two-byte legacy character set, such as Big5."""
    found = set()
    for lead in first:
        for trail in last:
            try:
                text = bytes([lead, trail]).decode(codec)
            except UnicodeDecodeError:
                continue
            if len(text) == 1:
                found.add(ord(text))
    return found


HIGH = range(0xA1, 0xFF)
HAN = set(range(0x3400, 0xA000)) | set(range(0xF900, 0xFB00))
BIG5_COMMON = codec_chars("big5", range(0xA4, 0xC7), range(0x40, 0xFF)) & HAN
JIS_COMMON = codec_chars("shift_jis", range(0x88, 0x99), range(0x40, 0xFD)) & HAN
KSX1001 = codec_chars("euc_kr", HIGH, HIGH) & set(range(0xAC00, 0xD7A4))
KANA = set(range(0x3001, 0x3020)) | set(range(0x3040, 0x3100)) | set(range(0xFF01, 0xFFA0))


def css_range(chars):
    out, chars = [], sorted(chars)
    start = prev = chars[0]
    for c in chars[1:] + [None]:
        if c is not None and c == prev + 1:
            prev = c
            continue
        out.append(f"U+{start:X}" + (f"-{prev:X}" if prev != start else ""))
        start = prev = c
    return ",".join(out)


def package_range(package, subset_name, weight):
    css = (SOURCE / package / f"{weight}.css").read_text()
    match = re.search(rf"/\* {re.escape(package)}-{subset_name}-{weight}-normal \*/.*?unicode-range:\s*([^;]+);", css, re.S)
    return match.group(1).replace(" ", "") if match else None


css = ["/* Written by build-fonts.py. */"]


def face(family, weight, name, ranges):
    css.append(
        f"@font-face{{font-family:\"{family}\";font-weight:{weight};src:url(../fonts/{name}) format(\"woff2\");unicode-range:{ranges}}}"
    )


def copy(family, weight, package, subset_name, css_weight=None):
    name = f"{package}-{subset_name}-{weight}-normal.woff2"
    (FONTS / name).write_bytes((SOURCE / package / "files" / name).read_bytes())
    face(family, css_weight or weight, name, package_range(package, subset_name, weight))


def cut(family, package, subset_name, weight, chars, name, features=("*",), drop=(), css_weight="100 900", exact=None):
    font = TTFont(SOURCE / package / "files" / f"{package}-{subset_name}-{weight}-normal.woff2")
    for table in drop:
        del font[table]
    have = chars & set(font.getBestCmap())
    options = subset.Options(flavor="woff2", hinting=False, layout_features=list(features))
    options.name_IDs = [0, 1, 2, 13, 14]
    font.recalcTimestamp = False
    sub = subset.Subsetter(options)
    sub.populate(unicodes=have | (exact or set()))
    sub.subset(font)
    font.flavor = "woff2"
    out = io.BytesIO()
    font.save(out)
    (FONTS / name).write_bytes(out.getvalue())
    face(family, css_weight, name, css_range(have | (exact or set())))
    return have


DISPLAY = {"opsz": 96, "wdth": 75, "wght": 800}


def poster(subset_name):
    """Bricolage Grotesque as this template sets it: its largest optical size, narrow, extra bold."""
    package = "bricolage-grotesque"
    source = VARIABLE / package / "files" / f"{package}-{subset_name}-standard-normal.woff2"
    font = instantiateVariableFont(TTFont(source, recalcTimestamp=False), DISPLAY)
    name = f"{package}-{subset_name}-poster.woff2"
    font.flavor = "woff2"
    font.save(FONTS / name)
    css_text = (VARIABLE / package / "index.css").read_text()
    ranges = re.search(rf"/\* {package}-{subset_name}-wght-normal \*/.*?unicode-range:\s*([^;]+);", css_text, re.S)
    # Marks that the file has and the package's ranges leave to another one: a letter and its marks must come from one file.
    marks = css_range({c for c in font.getBestCmap() if 0x300 <= c < 0x370})
    face("Bricolage Grotesque", 800, name, ranges.group(1).replace(" ", "") + "," + marks)


for name in ("latin", "latin-ext", "vietnamese"):
    poster(name)

for weight in (600, 800):
    for name in ("latin", "latin-ext", "vietnamese", "greek", "cyrillic", "cyrillic-ext"):
        copy("Manrope", weight, "manrope", name)

for script in ("arabic", "hebrew", "devanagari", "bengali", "gujarati", "gurmukhi", "tamil", "telugu", "kannada",
               "malayalam", "sinhala", "thai", "georgian", "armenian"):
    copy(FALLBACK, 700, f"noto-sans-{script}", script, "100 900")

# Chinese, Japanese, Korean. A name with kana gets Japanese shapes (see text.js); any other Han text gets Chinese ones.
PLAIN = ("ccmp", "locl", "calt", "kern", "mark", "mkmk")
cut("Review Japanese", "noto-sans-jp", "japanese", 700, JIS_COMMON | KANA, "noto-sans-jp-names.woff2", PLAIN)
simplified = cut("Review Han", "noto-sans-sc", "chinese-simplified", 700, HAN, "noto-sans-sc-han.woff2", PLAIN)
cut("Review Han", "noto-sans-tc", "chinese-traditional", 700, BIG5_COMMON - simplified, "noto-sans-tc-big5.woff2", PLAIN)
cut(FALLBACK, "noto-sans-kr", "korean", 700, KSX1001 | set(range(0x3131, 0x318F)), "noto-sans-kr-ksx1001.woff2", PLAIN)

# Emoji, as COLR v1 vectors. Country flags are left out (they alone take 0.7 MB), and keycaps (their digits belong to Manrope).
EMOJI_CHARS = (
    set(range(0x1F300, 0x1F650)) | set(range(0x1F680, 0x1F6FD)) | set(range(0x1F900, 0x1FA00)) | set(range(0x1FA70, 0x1FB00))
    | {0x231A, 0x231B, 0x23F0, 0x23F3, 0x2600, 0x2601, 0x2602, 0x2603, 0x2604, 0x260E, 0x2611, 0x2614, 0x2615, 0x2618, 0x261D, 0x2620,
       0x2622, 0x262E, 0x262F, 0x2638, 0x2639, 0x263A, 0x2640, 0x2642, 0x265F, 0x2660, 0x2663, 0x2665, 0x2666, 0x267B, 0x267E, 0x2693, 0x2694,
       0x2696, 0x2699, 0x269B, 0x26A0, 0x26A1, 0x26BD, 0x26BE, 0x26C4, 0x26C5, 0x26F5, 0x2702, 0x2705, 0x2708, 0x2709, 0x270A, 0x270B, 0x270C,
       0x270D, 0x2714, 0x2716, 0x2728, 0x2733, 0x2744, 0x274C, 0x2753, 0x2757, 0x2763, 0x2764, 0x2795, 0x27A1, 0x2B50, 0x2B55, 0x1F004}
)
JOINERS = {0x200D, 0xFE0F}
cut(EMOJI, "noto-color-emoji", "emoji", 400, EMOJI_CHARS, "noto-color-emoji-names.woff2", ("*",), ("SVG ",), exact=JOINERS)

(HERE / "fonts.css").write_text("\n".join(css) + "\n")
print(sum(f.stat().st_size for f in FONTS.glob("*.woff2")), "bytes")
