//! JSON as ARM takes it: with comments, bare names, line breaks in strings and a comma too many.
//!
//! az itself sends a deployment with the bare name `template` (azure-cli `resource/custom.py`, `JsonCTemplatePolicy`).

use std::iter::Peekable;
use std::str::Chars;

/// Rewrites ARM's JSON to plain JSON; what is broken stays broken for the parser to tell.
pub fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => string(&mut rest, &mut out),
            '/' if rest.peek() == Some(&'/') => while rest.next_if(|c| *c != '\n').is_some() {},
            '/' if rest.peek() == Some(&'*') => comment(&mut rest),
            ']' | '}' => {
                drop_comma(&mut out);
                out.push(c);
            }
            c if c.is_ascii_alphabetic() || c == '_' || c == '$' => word(c, &mut rest, &mut out),
            c => out.push(c),
        }
    }
    out
}

fn string(rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    out.push('"');
    while let Some(c) = rest.next() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => {
                out.push(c);
                out.extend(rest.next());
            }
            c => {
                out.push(c);
                if c == '"' {
                    return;
                }
            }
        }
    }
}

fn comment(rest: &mut Peekable<Chars<'_>>) {
    rest.next();
    let mut last = ' ';
    for c in rest.by_ref() {
        if last == '*' && c == '/' {
            return;
        }
        last = c;
    }
}

/// A bare word is a name if a colon follows, else `true`, `false`, `null`; an `e` inside a number belongs to it.
fn word(first: char, rest: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut word = String::from(first);
    while let Some(c) = rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == '$') {
        word.push(c);
    }
    let in_number = out.ends_with(|c: char| c.is_ascii_digit() || c == '.');
    let name = !in_number && rest.clone().find(|c| !c.is_whitespace()) == Some(':');
    if name {
        out.push_str(&format!("\"{word}\""));
    } else {
        out.push_str(&word);
    }
}

fn drop_comma(out: &mut String) {
    let kept = out.trim_end().len();
    if out[..kept].ends_with(',') {
        out.truncate(kept - 1);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::plain;

    fn read(text: &str) -> Value {
        serde_json::from_str(&plain(text)).unwrap()
    }

    #[test]
    fn reads_what_az_sends() {
        assert_eq!(
            read(r#"{"properties": {"mode": "Incremental", template:{"a": 1}}}"#),
            json!({"properties": {"mode": "Incremental", "template": {"a": 1}}})
        );
    }

    #[test]
    fn takes_comments_commas_and_line_breaks() {
        let text =
            "{ // one\n \"a//b\": [1, 2.5e3, true,], /* two * */ $schema : null, \"t\": \"x\ny\\\"\" }";
        assert_eq!(read(text), json!({"a//b": [1, 2500.0, true], "$schema": null, "t": "x\ny\""}));
    }

    proptest::proptest! {
        #[test]
        fn plain_json_means_the_same(text in ".*", number in proptest::num::f64::NORMAL) {
            let value = json!({"k": [text, {"n": number}], "t": true});
            proptest::prop_assert_eq!(read(&value.to_string()), serde_json::from_str::<Value>(&value.to_string()).unwrap());
        }

        #[test]
        fn any_text_is_survived(text in ".*") {
            plain(&text);
        }
    }
}
