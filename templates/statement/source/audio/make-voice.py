"""Writes ../../audio/voice-LANGUAGE.opus: what is said over the video, one file for each language that has a voice.

    apt install espeak-ng libttspico-utils ffmpeg      # libttspico is in Debian's non-free
    pip install numpy onnxruntime
    python make-voice.py KOKORO.onnx VOCAB.json VOICES_FOLDER

English and Spanish are spoken by Kokoro-82M (v1.0, int8), German by SVOX Pico. The README says where they come from and under which
licence. Nothing else is needed to render: the files are committed.
"""
import json, pathlib, re, subprocess, sys, tempfile, wave
import numpy as np

RATE = 24000
LENGTH_S = 18
AUDIO = pathlib.Path(__file__).parent.parent.parent / "audio"

# When each line begins, in seconds: a little after the scene that it belongs to.
BEGINS = [0.5, 2.75, 5.8, 9.35, 12.95, 15.95]
LINES = {
    "en": ["Here is your month.", "What came in, and what went out.", "Where it went.", "How your balance moved.",
           "One thing worth knowing.", "See you next month."],
    "es": ["Este es tu mes.", "Lo que entró, y lo que salió.", "En qué se fue.", "Así se movió tu saldo.",
           "Un dato que vale la pena.", "Hasta el mes que viene."],
    "de": ["Das war dein Monat.", "Was kam, und was ging.", "Wofür es ausgegeben wurde.", "So lief dein Kontostand.",
           "Und das ist gut zu wissen.", "Bis nächsten Monat."],
}
# In what Kokoro knows of a language: eSpeak's voice for its sounds, and one of Kokoro's own.
KOKORO = {"en": ("en-us", "af_heart", 0.92), "es": ("es", "ef_dora", 0.95)}
# What eSpeak writes otherwise than Kokoro was taught American English.
AMERICAN = [("eɪ", "A"), ("oʊ", "O"), ("aʊ", "W"), ("aɪ", "I"), ("ɔɪ", "Y"), ("dʒ", "ʤ"), ("tʃ", "ʧ"), ("ɜː", "ɜɹ"), ("ː", "")]


def kokoro(session, vocab, voices, language):
    espeak, voice, speed = KOKORO[language]
    styles = np.fromfile(voices / f"{voice}.bin", np.float32).reshape(-1, 1, 256)

    def sounds(text):
        out = []
        for part in re.findall(r"[^.,]+|[.,]", text):
            if part in ".,":
                out.append(part)
                continue
            said = subprocess.run(["espeak-ng", "-q", "--ipa", "-v", espeak, part.strip()], capture_output=True, text=True, check=True)
            out.append((" " if out else "") + said.stdout.strip())
        phonemes = "".join(out)
        if language == "en":
            for before, after in AMERICAN:
                phonemes = phonemes.replace(before, after)
        assert all(p in vocab for p in phonemes), phonemes
        return [vocab[p] for p in phonemes]

    def say(text):
        tokens = sounds(text)
        given = {"tokens": np.array([[0, *tokens, 0]], np.int64), "style": styles[len(tokens)], "speed": np.array([speed], np.float32)}
        return session.run(None, given)[0].reshape(-1)

    return say


def pico(text):
    """Pico speaks at 16 kHz; a little slower than it does by itself."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["pico2wave", "-l", "de-DE", "-w", file.name, f'<speed level="94">{text}</speed>'], check=True)
        command = ["ffmpeg", "-v", "error", "-i", file.name, "-ar", str(RATE), "-f", "f32le", "-"]
        return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)


def trimmed(samples):
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    part = samples[max(0, loud[0] - 480) : loud[-1] + 2400].copy()
    fade = np.linspace(0, 1, 240)
    part[:240] *= fade
    part[-1200:] *= np.linspace(1, 0, 1200)
    return part / np.sqrt(np.mean(part**2)) * 0.09


def main(model, vocab_file, voices):
    import onnxruntime

    session = onnxruntime.InferenceSession(model)
    vocab = json.loads(pathlib.Path(vocab_file).read_text())["vocab"]
    for language, lines in LINES.items():
        say = kokoro(session, vocab, pathlib.Path(voices), language) if language in KOKORO else pico
        track = np.zeros(RATE * LENGTH_S)
        for begin, nxt, line in zip(BEGINS, [*BEGINS[1:], LENGTH_S], lines):
            part = trimmed(say(line))
            print(language, f"{begin:5.2f}-{begin + len(part) / RATE:5.2f} of {nxt:5.2f}", line)
            assert begin + len(part) / RATE < nxt
            at = round(begin * RATE)
            track[at : at + len(part)] += part
        pcm = (np.clip(track, -0.98, 0.98) * 32767).astype("<i2").tobytes()
        command = ["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "-", "-af", "highpass=f=70", "-map_metadata", "-1",
                   "-fflags", "+bitexact", "-flags:a", "+bitexact", "-c:a", "libopus", "-b:a", "20k", "-application", "voip", str(AUDIO / f"voice-{language}.opus")]
        subprocess.run(command, input=pcm, check=True)


main(*sys.argv[1:])
