"""Writes ../../audio/bed.opus: eighteen seconds of soft chords, synthesised here and nowhere recorded.

    pip install numpy
    python make-bed.py

A hundred beats a minute; the chord changes where the scene does. A pad of detuned partials, a plucked string that climbs through
the chord in quavers, and a room around both.
"""
import pathlib, subprocess
import numpy as np

RATE = 48000
LENGTH_S = 18
BEAT_S = 0.6
OUT = pathlib.Path(__file__).parent.parent.parent / "audio" / "bed.opus"

# Beat on which a scene begins, and its chord as MIDI notes: bass, then from low to high.
CHORDS = [
    (0, [38, 57, 61, 64, 66, 69]),  # D major 9
    (4, [35, 57, 59, 62, 66, 69]),  # B minor 7
    (9, [43, 57, 59, 62, 66, 71]),  # G major 9
    (15, [40, 55, 59, 62, 66, 71]),  # E minor 9
    (21, [45, 55, 59, 62, 64, 69]),  # A 9 sus 4
    (26, [38, 57, 61, 64, 66, 74]),  # D major 9
]
END = LENGTH_S / BEAT_S
CLIMB = [1, 3, 2, 4, 3, 5, 4, 2]

mix = np.zeros(RATE * LENGTH_S)
chance = np.random.default_rng(7)


def hertz(note):
    return 440 * 2 ** ((note - 69) / 12)


def add(begin_s, samples):
    at = round(begin_s * RATE)
    part = samples[: len(mix) - at]
    mix[at : at + len(part)] += part


def pad(note, seconds, level):
    """Slow in, slow out; upper partials come later than the lower ones."""
    t = np.arange(round((seconds + 1.6) * RATE)) / RATE
    shape = np.clip(t / 0.9, 0, 1) ** 1.5 * np.clip((seconds + 1.6 - t) / 1.9, 0, 1) ** 1.5
    tone = np.zeros_like(t)
    for detune in (-0.0016, 0.0013):
        phase = chance.uniform(0, 2 * np.pi)
        for partial, strength in ((1, 1), (2, 0.28), (3, 0.1), (4, 0.04)):
            swell = np.clip(t / (0.7 + 0.5 * partial), 0, 1)
            tone += strength * swell * np.sin(2 * np.pi * hertz(note) * partial * (1 + detune) * t + phase * partial)
    return level * shape * tone


def pluck(note, level):
    """A string whose upper partials die away first."""
    t = np.arange(round(2.2 * RATE)) / RATE
    f = hertz(note)
    tone = sum(
        (0.62**k) * np.exp(-t * (2.1 + 1.5 * k) * (f / 440) ** 0.4) * np.sin(2 * np.pi * f * (k + 1) * np.sqrt(1 + 0.0002 * (k + 1) ** 2) * t)
        for k in range(6)
    )
    return level * np.clip(t / 0.004, 0, 1) * tone


for i, (beat, notes) in enumerate(CHORDS):
    until = CHORDS[i + 1][0] if i + 1 < len(CHORDS) else END
    seconds = (until - beat) * BEAT_S
    add(beat * BEAT_S, pad(notes[0], seconds, 0.075))
    for note in notes[1:]:
        add(beat * BEAT_S, pad(note, seconds, 0.026))
    for quaver in range(round((until - beat) * 2)):
        at = beat + quaver / 2
        if at > END - 3.5:
            break
        accent = 1 if quaver % 4 == 0 else 0.62
        note = notes[CLIMB[quaver % len(CLIMB)]] + (12 if quaver % 8 == 5 else 0)
        add(at * BEAT_S + 0.006 * chance.standard_normal() ** 2, pluck(note, 0.085 * accent * (0.35 if at < 1 else 1)))
    if i == len(CHORDS) - 1:
        for k, note in enumerate([50, 57, 62, 66, 73]):
            add((END - 3.4) * BEAT_S + 0.05 * k, pluck(note, 0.09))

# The room: noise that dies away, darker as it does.
t = np.arange(round(1.8 * RATE)) / RATE
noise = chance.standard_normal(len(t))
dark = np.convolve(noise, np.ones(24) / 24, "same")
room = (noise * np.exp(-t * 9) * 0.3 + dark * np.exp(-t * 3.2)) * np.clip(t / 0.02, 0, 1)
size = 1 << (len(mix) + len(room)).bit_length()
wet = np.fft.irfft(np.fft.rfft(mix, size) * np.fft.rfft(room, size), size)[: len(mix)]
mix += wet / np.sqrt(np.mean(wet**2)) * np.sqrt(np.mean(mix**2)) * 0.5

# Softer above 5 kHz, in at once and out over the last two seconds.
bins = np.fft.rfftfreq(len(mix), 1 / RATE)
mix = np.fft.irfft(np.fft.rfft(mix) / np.sqrt(1 + (bins / 5000) ** 4), len(mix))
t = np.arange(len(mix)) / RATE
mix *= np.clip(t / 0.25, 0, 1) * np.clip((LENGTH_S - 0.1 - t) / 2.2, 0, 1)
mix *= 0.5 / np.abs(mix).max()

pcm = (mix * 32767).astype("<i2").tobytes()
command = ["ffmpeg", "-v", "error", "-y", "-f", "s16le", "-ar", str(RATE), "-ac", "1", "-i", "-", "-map_metadata", "-1", "-fflags", "+bitexact",
           "-flags:a", "+bitexact", "-c:a", "libopus", "-b:a", "14k", "-cutoff", "8000", "-application", "audio", str(OUT)]
subprocess.run(command, input=pcm, check=True)
print(OUT.name, OUT.stat().st_size, "bytes; RMS", round(20 * np.log10(np.sqrt(np.mean(mix**2))), 1), "dBFS")
