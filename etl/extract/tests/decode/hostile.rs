//! A record written in the worst way that is still JSON: white space and escapes anywhere, names twice, numbers that no type
//! holds, texts that are none, NUL characters, thousands of brackets.

use serde_json::Value;

/// Numbers as JSON allows them and hardly any reader takes them.
const NUMBERS: [&str; 14] = [
    "1e400",
    "-1e-400",
    "1E+2",
    "5.0",
    "5e0",
    "-0",
    "-0.0e5",
    "0.12345678901234567890123",
    "123456789012345678901234567890",
    "9223372036854775807",
    "9223372036854775808",
    "9007199254740993.0",
    "1e99999999999999999999",
    "2147483648.0",
];

/// Writes values, with tricks that a seed chooses.
pub(crate) struct Writer {
    state: u64,
    /// One in so many places is played a trick on.
    rarity: u64,
    text: String,
}

/// The value as hostile text; of equal names the last is the value's own.
pub(crate) fn write(value: &Value, seed: u64) -> String {
    let mut writer = Writer { state: seed, rarity: [3, 10, 40][(seed % 3) as usize], text: String::new() };
    writer.value(value, 0);
    writer.text
}

impl Writer {
    /// SplitMix64.
    fn draw(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn now(&mut self) -> bool {
        self.draw(self.rarity) == 0
    }

    fn space(&mut self) {
        if self.now() {
            let space = [" ", "\n", "\r\n\t", "    "][self.draw(4) as usize];
            self.text.push_str(space);
        }
    }

    fn value(&mut self, value: &Value, depth: usize) {
        self.space();
        if depth > 0 && self.now() {
            match self.draw(8) {
                0 => self.deep(),
                1 => self.text.push_str(r#""\ud800""#),
                2 => self.text.push_str(r#"[{},[],"",{"":null}]"#),
                _ => {
                    let number = NUMBERS[self.draw(NUMBERS.len() as u64) as usize];
                    self.text.push_str(number);
                }
            }
        } else {
            match value {
                Value::Object(entries) => self.object(entries, depth),
                Value::Array(items) => {
                    self.text.push('[');
                    for (at, item) in items.iter().enumerate() {
                        if at > 0 {
                            self.text.push(',');
                        }
                        self.value(item, depth + 1);
                    }
                    self.text.push(']');
                }
                Value::String(text) => self.string(text),
                other => self.text.push_str(&other.to_string()),
            }
        }
        self.space();
    }

    fn object(&mut self, entries: &serde_json::Map<String, Value>, depth: usize) {
        self.text.push('{');
        for (at, (name, value)) in entries.iter().enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            if self.now() {
                self.name(name);
                let others = [Value::Null, "again".into(), value.clone(), serde_json::json!({ "id": [1, "x"] })];
                let other = others[self.draw(4) as usize].clone();
                self.value(&other, depth + 1);
                self.text.push(',');
            }
            self.name(name);
            self.value(value, depth + 1);
        }
        self.space();
        self.text.push('}');
    }

    fn name(&mut self, name: &str) {
        self.space();
        self.string(name);
        self.space();
        self.text.push(':');
    }

    fn string(&mut self, text: &str) {
        if !self.now() {
            self.text.push_str(&Value::from(text).to_string());
            return;
        }
        self.text.push('"');
        for unit in text.encode_utf16() {
            self.text.push_str(&format!("\\u{unit:04X}"));
        }
        self.text.push('"');
    }

    fn deep(&mut self) {
        let depth = 1 + self.draw(1500) as usize;
        let (open, close) = if self.draw(2) == 0 { ("[", "]") } else { (r#"{"a":"#, "}") };
        self.text.push_str(&open.repeat(depth));
        self.text.push_str(r#""\u0000""#);
        self.text.push_str(&close.repeat(depth));
    }
}

/// The record with a key as its last property, which counts whatever comes before it.
pub(crate) fn under(key: i64, record: &str) -> String {
    let inner = record.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap().trim();
    if inner.is_empty() { format!("{{\"id\":{key}}}") } else { format!("{{{inner},\"id\":{key}}}") }
}
