//! JSON, base 64 and addresses.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::text::string;
use crate::arm::expr::{Fault, args::Args};

/// Calls a function of this file.
pub fn call(name: &str, args: &Args) -> Option<Result<Value, Fault>> {
    Some(match name {
        "json" => one(args, parse_json),
        "base64" => one(args, |text| Ok(json!(STANDARD.encode(text)))),
        "base64tostring" => one(args, |text| Ok(json!(decode(args, text)?))),
        "base64tojson" => one(args, |text| parse_json(&decode(args, text)?)),
        "datauri" => data_uri(args),
        "datauritostring" => one(args, |text| data_uri_text(args, text)),
        "uricomponent" => one(args, |text| Ok(json!(escape(text)))),
        "uricomponenttostring" => one(args, |text| Ok(json!(unescape(text)))),
        _ => return None,
    })
}

fn one(args: &Args, change: impl Fn(&str) -> Result<Value, Fault>) -> Result<Value, Fault> {
    args.count(1..=1)?;
    change(args.text(0)?)
}

fn parse_json(text: &str) -> Result<Value, Fault> {
    serde_json::from_str(text).map_err(|_| {
        Fault::text("Unable to evaluate the template language function 'json'. The argument provided is not a valid JSON string.")
    })
}

fn decode(args: &Args, text: &str) -> Result<String, Fault> {
    STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
        Fault::text(format!(
            "The template language function '{}' was invoked with a parameter that is not valid. The value cannot be decoded from base64 representation.",
            args.function
        ))
    })
}

fn data_uri(args: &Args) -> Result<Value, Fault> {
    args.count(1..=1)?;
    let kind = if args.value(0).is_string() { "text/plain" } else { "application/json" };
    Ok(json!(format!("data:{kind};charset=utf-8;base64,{}", STANDARD.encode(string(args, 0)?))))
}

fn data_uri_text(args: &Args, text: &str) -> Result<Value, Fault> {
    let body = text.strip_prefix("data:").and_then(|text| text.split_once(','));
    match body {
        Some((kind, data)) if kind.ends_with(";base64") => Ok(json!(decode(args, data)?)),
        Some((_, data)) => Ok(json!(unescape(data))),
        None => Err(Fault::text(format!(
            "The template language function 'dataUriToString' expects its parameter to be a data URI. The provided value is '{text}'."
        ))),
    }
}

fn escape(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn unescape(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match code {
            Some(code) if *first == b'%' => {
                bytes.push(code);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
