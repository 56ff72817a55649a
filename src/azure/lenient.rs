//! Values inside prose, for error texts: JSON as the services write it, JSON with raw line breaks inside
//! strings, and Python literals as az sometimes prints them.

use serde_json::{Map, Value};

/// Deeper than any error Azure nests, shallow enough for the stack.
const DEEPEST: usize = 64;

/// Reads one object, array or quoted string at the start of `text`; returns it and the bytes it took.
pub(super) fn value(text: &str) -> Option<(Value, usize)> {
    let mut reader = Reader { text, at: 0 };
    if !matches!(reader.peek()?, '{' | '[' | '"') {
        return None;
    }
    let value = reader.value(0)?;
    Some((value, reader.at))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
    }

    /// Whether the next character is `wanted`, which is then taken.
    fn takes(&mut self, wanted: char) -> bool {
        self.skip_space();
        let there = self.peek() == Some(wanted);
        if there {
            self.at += wanted.len_utf8();
        }
        there
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        self.skip_space();
        match self.peek()? {
            '{' => self.object(depth),
            '[' => self.array(depth),
            '"' | '\'' => self.string().map(Value::String),
            _ => self.word(),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.next();
        let mut object = Map::new();
        while !self.takes('}') {
            self.skip_space();
            let key = self.string()?;
            if !self.takes(':') {
                return None;
            }
            object.insert(key, self.value(depth + 1)?);
            if !self.takes(',') && !self.ends('}') {
                return None;
            }
        }
        Some(Value::Object(object))
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.next();
        let mut items = Vec::new();
        while !self.takes(']') {
            items.push(self.value(depth + 1)?);
            if !self.takes(',') && !self.ends(']') {
                return None;
            }
        }
        Some(Value::Array(items))
    }

    fn ends(&mut self, close: char) -> bool {
        self.skip_space();
        self.peek() == Some(close)
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.next().filter(|c| matches!(c, '"' | '\''))?;
        let mut text = String::new();
        loop {
            match self.next()? {
                c if c == quote => return Some(text),
                '\\' => text.push(self.escaped()?),
                c => text.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.next()? {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'u' => self.utf16()?,
            c => c,
        })
    }

    fn utf16(&mut self) -> Option<char> {
        let first = self.hex4()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Some(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let second = self.text[self.at..].strip_prefix("\\u").and_then(|rest| rest.get(..4));
        let second = second.and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let Some(low) = second.filter(|low| (0xdc00..0xe000).contains(low)) else {
            return Some(char::REPLACEMENT_CHARACTER);
        };
        self.at += "\\u0000".len();
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00))
    }

    fn hex4(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        let number = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(number)
    }

    /// A number or a bare word; words of both languages that mean "nothing" become null.
    fn word(&mut self) -> Option<Value> {
        let rest = &self.text[self.at..];
        let end =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && !"+-._".contains(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        self.at += end;
        match word {
            "" => None,
            "null" | "None" => Some(Value::Null),
            "true" | "True" => Some(Value::Bool(true)),
            "false" | "False" => Some(Value::Bool(false)),
            number => serde_json::from_str(number).ok().filter(Value::is_number),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_json_and_what_is_nearly_json() {
        let cases = [
            (r#"{"a": [1, -2.5e3, true, null]} rest"#, json!({"a": [1, -2.5e3, true, null]})),
            ("{'code': 'X', 'it\\'s': None, 'ok': False,}", json!({"code": "X", "it's": null, "ok": false})),
            ("\"raw\nbreak \\u00e9 \\ud83d\\ude00 \\/\"", json!("raw\nbreak é 😀 /")),
            ("[]", json!([])),
        ];
        for (text, expected) in cases {
            assert_eq!(value(text).expect(text).0, expected);
        }
        for text in ["", "word", "{", "{\"a\"}", "{\"a\":}", "[1 2]", "\"open", "{a:1}", "{\"a\": x}"] {
            assert!(value(text).is_none(), "{text}");
        }
        assert!(value(&"[".repeat(100_000)).is_none());
    }

    proptest! {
        #[test]
        fn reads_all_that_serde_writes(text in ".*", number in any::<i64>()) {
            let document = json!({"s": text, "n": [number, {"k": text}]});
            let written = serde_json::to_string_pretty(&document).expect("serialises");
            prop_assert_eq!(value(&written), Some((document, written.len())));
        }

        #[test]
        fn never_panics(text in ".*") {
            let _ = value(&text);
            let _ = value(&format!("{{\"{text}"));
        }
    }
}
