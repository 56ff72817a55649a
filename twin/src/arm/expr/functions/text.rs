//! Strings. Lengths and positions count UTF-16 units, as Azure's do.

use serde_json::{Value, json};

use crate::arm::expr::{Fault, args::Args, hash};

/// Calls a function of this file.
pub fn call(name: &str, args: &Args) -> Option<Result<Value, Fault>> {
    Some(match name {
        "tolower" => one(args, str::to_lowercase),
        "toupper" => one(args, upper),
        "trim" => one(args, |text| text.trim().to_owned()),
        "string" => args.count(1..=1).and_then(|()| Ok(json!(string(args, 0)?))),
        "format" => format(args),
        "padleft" => pad_left(args),
        "replace" => replace(args),
        "split" => split(args),
        "join" => join(args),
        "substring" => substring(args),
        "startswith" => two(args, |text, part| json!(text.to_lowercase().starts_with(&part.to_lowercase()))),
        "endswith" => two(args, |text, part| json!(text.to_lowercase().ends_with(&part.to_lowercase()))),
        "uniquestring" => hashed(args, hash::unique_string),
        "guid" => hashed(args, hash::guid),
        "fail" => args.count(1..=1).and_then(|()| Err(Fault::text(args.text(0)?))),
        _ => return None,
    })
}

fn one(args: &Args, change: impl Fn(&str) -> String) -> Result<Value, Fault> {
    args.count(1..=1)?;
    Ok(json!(change(args.text(0)?)))
}

fn two(args: &Args, test: impl Fn(&str, &str) -> Value) -> Result<Value, Fault> {
    args.count(2..=2)?;
    Ok(test(args.text(0)?, args.text(1)?))
}

fn hashed(args: &Args, hash: fn(&[&str]) -> String) -> Result<Value, Fault> {
    if args.values.is_empty() {
        return Err(args.at_least_one());
    }
    let parts = (0..args.values.len()).map(|at| args.text(at)).collect::<Result<Vec<&str>, Fault>>()?;
    Ok(json!(hash(&parts)))
}

/// Capitals letter by letter: `ß` has none of its own length and stays.
fn upper(text: &str) -> String {
    text.chars()
        .map(|c| {
            let mut upper = c.to_uppercase();
            upper.next().filter(|_| upper.next().is_none()).unwrap_or(c)
        })
        .collect()
}

/// A value as `string()` and `concat()` write it.
pub fn string(args: &Args, at: usize) -> Result<String, Fault> {
    Ok(match args.value(at) {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) if number.is_i64() => number.to_string(),
        value @ (Value::Array(_) | Value::Object(_)) => value.to_string(),
        _ => return Err(args.one_of_types(at, "Integer, String, Boolean, Object, Array")),
    })
}

/// `format('{0,5:D3}', …)`: composite formatting of .NET with the specifiers `D` and `x`.
fn format(args: &Args) -> Result<Value, Fault> {
    if args.values.is_empty() {
        return Err(args.at_least_one());
    }
    let mut out = String::new();
    let mut rest = args.text(0)?;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..at + 1];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        let end = rest
            .find('}')
            .filter(|_| brace == "{")
            .ok_or_else(|| bad_format("Input string was not in a correct format."))?;
        out.push_str(&placeholder(args, &rest[..end])?);
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    Ok(json!(out))
}

fn placeholder(args: &Args, item: &str) -> Result<String, Fault> {
    let (place, specifier) = item.split_once(':').unwrap_or((item, ""));
    let (index, width) = place.split_once(',').unwrap_or((place, "0"));
    let wrong = || bad_format("Input string was not in a correct format.");
    let index: usize = index.trim().parse().map_err(|_| wrong())?;
    let width: i64 = width.trim().parse().map_err(|_| wrong())?;
    let value = args.values.get(index + 1).ok_or_else(|| {
        bad_format("Index (zero based) must be greater than or equal to zero and less than the size of the argument list.")
    })?;
    let text = shown(value, specifier)?;
    let size = usize::try_from(width.unsigned_abs()).unwrap_or(0);
    Ok(if width < 0 { format!("{text:<size$}") } else { format!("{text:>size$}") })
}

fn shown(value: &Value, specifier: &str) -> Result<String, Fault> {
    if let (Some(number), false) = (value.as_i64(), specifier.is_empty()) {
        let kind = &specifier[..1.min(specifier.len())];
        let digits: usize = specifier.get(1..).unwrap_or("").parse().unwrap_or(0);
        return match kind {
            "D" | "d" if number < 0 => Ok(format!("-{:0digits$}", number.unsigned_abs())),
            "D" | "d" => Ok(format!("{number:0digits$}")),
            "x" => Ok(format!("{number:0digits$x}")),
            "X" => Ok(format!("{number:0digits$X}")),
            _ => Err(Fault::text(format!("the format specifier '{specifier}' is not modelled by the twin"))),
        };
    }
    Ok(match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::Number(number) => number.to_string(),
        Value::Array(_) | Value::Object(_) => single_quoted(value),
    })
}

/// JSON with single quotes, as `format` writes objects and arrays.
fn single_quoted(value: &Value) -> String {
    let list = |items: Vec<String>| items.join(",");
    match value {
        Value::Array(items) => format!("[{}]", list(items.iter().map(single_quoted).collect())),
        Value::Object(items) => format!(
            "{{{}}}",
            list(items.iter().map(|(key, value)| format!("'{key}':{}", single_quoted(value))).collect())
        ),
        Value::String(text) => format!("'{text}'"),
        other => other.to_string(),
    }
}

fn bad_format(why: &str) -> Fault {
    Fault::text(format!(
        "Unable to evaluate language function 'format': the format is invalid: '{why}'. Please see https://aka.ms/arm-function-format for usage details."
    ))
}

fn pad_left(args: &Args) -> Result<Value, Fault> {
    args.count(2..=3)?;
    let pad = if args.values.len() == 3 { args.text(2)? } else { " " };
    if pad.chars().count() != 1 {
        return Err(Fault::text(format!(
            "Unable to evaluate template language function 'padLeft': the third parameter is invalid. The padding character must be a single character, while '{pad}' was provided. The syntax is padLeft(string, totalWidth [, paddingChar]). Please see https://aka.ms/arm-function-padleft for usage details."
        )));
    }
    let text = string(args, 0)?;
    let missing = usize::try_from(args.int(1)?).unwrap_or(0).saturating_sub(text.encode_utf16().count());
    Ok(json!(pad.repeat(missing.min(MOST_PADDING)) + &text))
}

/// No name or value of a template needs more padding than this.
const MOST_PADDING: usize = 100_000;

fn replace(args: &Args) -> Result<Value, Fault> {
    args.count(3..=3)?;
    let (text, from, to) = (args.text(0)?, args.text(1)?, args.text(2)?);
    if from.is_empty() {
        return Err(Fault::text(
            "The template language function 'replace' expects its second parameter to not be null or empty. Please see https://aka.ms/arm-functions for usage details.",
        ));
    }
    Ok(json!(text.replace(from, to)))
}

fn split(args: &Args) -> Result<Value, Fault> {
    args.count(2..=2)?;
    let text = args.text(0)?;
    let separators: Vec<&str> = match args.value(1) {
        Value::Array(items) => {
            items.iter().filter_map(Value::as_str).filter(|item| !item.is_empty()).collect()
        }
        _ => Some(args.text(1)?).filter(|item| !item.is_empty()).into_iter().collect(),
    };
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((at, found)) = separators
        .iter()
        .filter_map(|separator| Some((rest.find(separator)?, *separator)))
        .min_by_key(|(at, _)| *at)
    {
        parts.push(&rest[..at]);
        rest = &rest[at + found.len()..];
    }
    parts.push(rest);
    Ok(json!(parts))
}

fn join(args: &Args) -> Result<Value, Fault> {
    args.count(2..=2)?;
    let wrong = |value: &Value| value.is_null() || value.is_array() || value.is_object();
    if args.array(0)?.iter().any(wrong) {
        return Err(args.element_error(0, "String, Integer, Boolean", wrong));
    }
    let items = Args { function: args.function, values: args.array(0)?.clone() };
    let parts =
        (0..items.values.len()).map(|at| string(&items, at)).collect::<Result<Vec<String>, Fault>>()?;
    Ok(json!(parts.join(args.text(1)?)))
}

fn substring(args: &Args) -> Result<Value, Fault> {
    args.count(2..=3)?;
    let units: Vec<u16> = args.text(0)?.encode_utf16().collect();
    let (start, size) = (args.int(1)?, units.len() as i64);
    let details = "Please see https://aka.ms/arm-function-substring for usage details.";
    let wrong = |why: String| {
        Err(Fault::text(format!(
            "Unable to evaluate the template language function 'substring'. {why} {details}"
        )))
    };
    if start < 0 {
        return wrong(format!("The index parameter cannot be less than zero. The index: '{start}'."));
    }
    if start > size {
        return wrong(format!(
            "The index parameter cannot be larger than the length of the string. The index parameter: '{start}', the length of the string parameter: '{size}'."
        ));
    }
    let length = if args.values.len() == 3 { args.int(2)? } else { size - start };
    if length < 0 || length > size - start {
        return wrong(format!(
            "The index and length parameters must refer to a location within the string. The index parameter: '{start}', the length parameter: '{length}', the length of the string parameter: '{size}'."
        ));
    }
    Ok(json!(String::from_utf16_lossy(&units[start as usize..(start + length) as usize])))
}
