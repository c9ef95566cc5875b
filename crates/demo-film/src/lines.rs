//! What is said in the film. Apart from the rest, for half of it is not English.

/// Seconds from one line of [`LINES`] to the next.
pub const LINE_SECONDS: u32 = 5;

/// What the subtitles say, in English and German, from the film's beginning to its end.
pub const LINES: [(&str, &str); 12] = [
    ("The sun goes down, and the projector starts.", "Die Sonne geht unter, der Projektor läuft an."),
    ("A beam of light crosses the hills.", "Ein Lichtstrahl zieht über die Hügel."),
    ("Families wait on the grass.", "Familien warten auf der Wiese."),
    ("A red balloon drifts along.", "Ein roter Ballon zieht vorbei."),
    ("Another one follows, far away.", "Ein zweiter folgt, weit weg."),
    ("Nobody says a word.", "Niemand sagt ein Wort."),
    ("The moon counts the pictures.", "Der Mond zählt die Bilder."),
    ("Twenty-four of them every second.", "Vierundzwanzig in jeder Sekunde."),
    ("A light circles around it.", "Ein Licht kreist um ihn."),
    ("The stars come out one by one.", "Ein Stern nach dem anderen geht auf."),
    ("Soon the circle is closed.", "Bald ist der Kreis geschlossen."),
    ("Good night.", "Gute Nacht."),
];
