//! Made-up people, firms and prose, in Icelandic, with the oddities that live text has.

use super::rng::Draw;

/// Every reference in an answer starts with this, whatever the address that the simulator listens on.
pub(crate) const API: &str = "https://psa.example.com/v4_6_release/apis/3.0/";
/// As a server writes it that doesn't look whether there is a slash already.
pub(crate) const API_DOUBLED: &str = "https://psa.example.com/v4_6_release/apis/3.0//";

const FIRST: [&str; 20] = [
    "Jón",
    "Guðrún",
    "Sigurður",
    "Anna",
    "Þórdís",
    "Ólafur",
    "Kristín",
    "Ægir",
    "Björk",
    "Einar",
    "Hildur",
    "Úlfur",
    "Sóley",
    "Magnús",
    "Ásta",
    "Gunnar",
    "Þorvaldur",
    "Íris",
    "Örn",
    "Elín",
];
const LAST: [&str; 14] = [
    "Jónsdóttir",
    "Sigurðsson",
    "Ólafsdóttir",
    "Þórðarson",
    "Ægisdóttir",
    "Björnsson",
    "Magnúsdóttir",
    "Úlfsson",
    "Einarsdóttir",
    "Guðmundsson",
    "Árnadóttir",
    "Þorsteinsson",
    "Kristjánsdóttir",
    "Arnarson",
];
const FIRM: [&str; 24] = [
    "Ísfell",
    "Norðurljós",
    "Þorpið",
    "Jökulsá",
    "Hlíðarendi",
    "Öldufall",
    "Dalvík",
    "Birkihlíð",
    "Mýrarhús",
    "Reykholt",
    "Skógafoss",
    "Loftorka",
    "Eyjafisk",
    "Vatnsberi",
    "Tjörnin",
    "Kvikmynd",
    "Gata",
    "Fjallasýn",
    "Hafborg",
    "Ósland",
    "Sæból",
    "Ármúli",
    "Þingvík",
    "Úthaf",
];
const TRADE: [&str; 16] = [
    "",
    " verktakar",
    " ráðgjöf",
    " fasteignir",
    " útgerð",
    " matvæli",
    " hönnun",
    " lögmenn",
    " ferðir",
    " bílar",
    " tannlæknar",
    " flutningar",
    " bókhald",
    " gisting",
    " veitur",
    " prentun",
];
const FORM: [&str; 5] = [" ehf.", " hf.", " slf.", " ses.", ""];
const WORDS: [&str; 48] = [
    "uppsetning",
    "á",
    "netþjóni",
    "og",
    "afritun",
    "gagna",
    "fyrir",
    "notanda",
    "tenging",
    "við",
    "prentara",
    "lagfærði",
    "villu",
    "í",
    "tölvupósti",
    "endurræsti",
    "þjónustu",
    "skipti",
    "um",
    "disk",
    "eldvegg",
    "aðgangur",
    "lykilorð",
    "Office 365",
    "leyfi",
    "uppfærsla",
    "á",
    "bókhaldskerfi",
    "símtal",
    "fundur",
    "með",
    "verkstjóra",
    "skýrsla",
    "yfirferð",
    "öryggi",
    "vírusvörn",
    "þráðlaust",
    "net",
    "Ósk",
    "um",
    "nýjan",
    "starfsmann",
    "stillti",
    "VPN",
    "tengingu",
    "prófað",
    "staðfest",
    "lokið",
];
const CITY: [(&str, &str); 8] = [
    ("Reykjavík", "101"),
    ("Kópavogur", "200"),
    ("Hafnarfjörður", "220"),
    ("Akureyri", "600"),
    ("Ísafjörður", "400"),
    ("Egilsstaðir", "700"),
    ("Selfoss", "800"),
    ("Garðabær", "210"),
];

pub(crate) fn first_name(draw: Draw) -> &'static str {
    draw.pick(101, &FIRST)
}

pub(crate) fn last_name(draw: Draw) -> &'static str {
    draw.pick(102, &LAST)
}

pub(crate) fn city(draw: Draw) -> (&'static str, &'static str) {
    draw.pick(103, &CITY)
}

pub(crate) fn person(out: &mut String, draw: Draw) {
    out.push_str(first_name(draw));
    out.push(' ');
    out.push_str(last_name(draw));
}

pub(crate) fn firm(out: &mut String, draw: Draw) {
    out.push_str(draw.pick(104, &FIRM));
    out.push_str(draw.pick(105, &TRADE));
    out.push_str(draw.pick(106, &FORM));
    if draw.chance(107, 400) {
        out.push(' ');
    }
}

/// The firm's name in capitals without accents, as identifiers are; the id behind it keeps it unique.
pub(crate) fn firm_identifier(out: &mut String, draw: Draw, id: i64) {
    for letter in draw.pick(104, &FIRM).chars().take(6) {
        out.push(match letter {
            'Í' | 'í' => 'I',
            'Þ' | 'þ' => 'T',
            'Ö' | 'ö' | 'Ó' | 'ó' => 'O',
            'Á' | 'á' | 'Æ' | 'æ' => 'A',
            'Ú' | 'ú' => 'U',
            'ð' => 'D',
            'ý' => 'Y',
            other => other.to_ascii_uppercase(),
        });
    }
    number(out, id);
}

pub(crate) fn street(out: &mut String, draw: Draw) {
    out.push_str(draw.pick(108, &FIRM));
    out.push_str("gata ");
    number(out, 1 + draw.below(109, 90) as i64);
}

pub(crate) fn digits(out: &mut String, draw: Draw, salt: u64, count: u32) {
    let mut rest = draw.at(salt);
    for place in 0..count {
        let digit = (rest % 10) as u8;
        out.push(char::from(b'0' + if place == 0 { 2 + digit % 8 } else { digit }));
        rest /= 10;
    }
}

pub(crate) fn guid(out: &mut String, draw: Draw, salt: u64) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let (high, low) = (draw.at(salt), draw.at(salt ^ 0x9d2c));
    for place in 0..32u32 {
        if matches!(place, 8 | 12 | 16 | 20) {
            out.push('-');
        }
        let half = if place < 16 { high } else { low };
        out.push(char::from(HEX[(half >> (60 - 4 * (place % 16)) & 15) as usize]));
    }
}

pub(crate) fn number(out: &mut String, value: i64) {
    let mut digits = Vec::with_capacity(20);
    crate::json::push_int(&mut digits, value);
    out.extend(digits.into_iter().map(char::from));
}

/// A few words, the first with a capital.
pub(crate) fn title(out: &mut String, draw: Draw, salt: u64, words: u64) {
    for at in 0..words {
        let word = draw.pick(salt + at, &WORDS);
        if at > 0 {
            out.push(' ');
            out.push_str(word);
        } else {
            let mut letters = word.chars();
            out.extend(letters.next().into_iter().flat_map(char::to_uppercase));
            out.push_str(letters.as_str());
        }
    }
}

/// Sentences; now and then a line break, a quotation, another script or a character without width.
pub(crate) fn prose(out: &mut String, draw: Draw, salt: u64, sentences: u64) {
    for at in 0..sentences {
        let salt = salt + at * 64;
        if at > 0 {
            out.push_str(if draw.chance(salt + 40, 2_500) { "\r\n" } else { " " });
        }
        title(out, draw, salt, 5 + draw.below(salt + 41, 8));
        match draw.below(salt + 42, 200) {
            0 => out.push_str(": \"lokið\""),
            1 => out.push_str(" \u{200b}"),
            2 => out.push_str(" C:\\gögn\\2025"),
            3 => out.push_str(" 日本語 🙂"),
            4 => out.push_str("\t- sjá fylgiskjal"),
            _ => {}
        }
        out.push('.');
    }
}

/// A link to a record: the API's root, a path, an id.
pub(crate) fn href(out: &mut String, path: &str, id: i64) {
    out.push_str(API);
    out.push_str(path);
    number(out, id);
}
