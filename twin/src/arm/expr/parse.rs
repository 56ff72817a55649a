//! The expression language inside `[…]`: text to tree. Messages are those of the official evaluator
//! (`bicep snapshot` 0.49.2 prints them).

/// A parsed expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `'text'`.
    Text(String),
    /// `42`.
    Number(i64),
    /// `name(arguments)`; a user-defined function has its namespace in the name (`ns.f`).
    Call(String, Vec<Expr>),
    /// `of.name`.
    Property(Box<Expr>, String),
    /// `of[index]`.
    Index(Box<Expr>, Box<Expr>),
}

/// Nesting that the parser follows; deeper input is refused instead of exhausting the stack.
const MAX_DEPTH: usize = 200;

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Text(String),
    Number(i64),
    Word(String),
    Punctuation(char),
    End,
}

impl Token {
    fn name(&self) -> &'static str {
        match self {
            Token::Text(_) => "StringLiteral",
            Token::Number(_) => "Integer",
            Token::Word(_) => "Identifier",
            Token::Punctuation('(') => "LeftParenthesis",
            Token::Punctuation(')') => "RightParenthesis",
            Token::Punctuation('[') => "LeftSquareBracket",
            Token::Punctuation(']') => "RightSquareBracket",
            Token::Punctuation(',') => "Comma",
            Token::Punctuation(_) => "Dot",
            Token::End => "EndOfData",
        }
    }
}

/// Whether Azure takes this string for an expression. `[[…]` is a literal that starts with one bracket.
pub fn is_expression(text: &str) -> bool {
    text.starts_with('[') && text.ends_with(']') && !text.starts_with("[[")
}

/// Parses what stands between the outer brackets. The error is Azure's sentence.
pub fn parse(source: &str) -> Result<Expr, String> {
    let mut parser = Parser { source, tokens: tokens(source)?, at: 0, depth: 0 };
    let expr = parser.expression()?;
    parser.expect(&Token::End)?;
    Ok(expr)
}

fn tokens(source: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = source.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        match c {
            c if c.is_whitespace() => {}
            '(' | ')' | '[' | ']' | ',' | '.' => tokens.push(Token::Punctuation(c)),
            '\'' => tokens.push(Token::Text(text(source, start, &mut chars)?)),
            c if c.is_ascii_digit() || c == '-' => tokens.push(number(source, start, &mut chars)?),
            c if c.is_alphabetic() || c == '_' => {
                let mut word = String::from(c);
                while let Some((_, c)) = chars.next_if(|(_, c)| c.is_alphanumeric() || *c == '_') {
                    word.push(c);
                }
                tokens.push(Token::Word(word));
            }
            c => {
                return Err(format!(
                    "The language expression '{source}' is not valid: the character '{c}' at position '{start}' is not expected."
                ));
            }
        }
    }
    tokens.push(Token::End);
    Ok(tokens)
}

type Chars<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

fn text(source: &str, start: usize, chars: &mut Chars) -> Result<String, String> {
    let mut text = String::new();
    while let Some((_, c)) = chars.next() {
        if c != '\'' {
            text.push(c);
        } else if chars.next_if(|(_, c)| *c == '\'').is_some() {
            text.push('\'');
        } else {
            return Ok(text);
        }
    }
    Err(format!(
        "The language expression '{source}' is not valid: the string constant at position '{start}' is not terminated. String constants must be enclosed within a pair of single quotes."
    ))
}

fn number(source: &str, start: usize, chars: &mut Chars) -> Result<Token, String> {
    while chars.next_if(|(_, c)| c.is_ascii_digit()).is_some() {}
    let end = chars.peek().map_or(source.len(), |(at, _)| *at);
    if source[end..].starts_with('.') {
        return Err(format!(
            "The language expression '{source}' at position '{start}' is not valid: float point numbers are not supported."
        ));
    }
    source[start..end].parse().map(Token::Number).map_err(|_| {
        format!("The language expression '{source}' at position '{start}' is not valid: the number is out of range.")
    })
}

struct Parser<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn expression(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.too_deep());
        }
        let expr = match self.next() {
            Token::Text(text) => Ok(Expr::Text(text)),
            Token::Number(number) => Ok(Expr::Number(number)),
            Token::Word(name) => self.call(name).and_then(|call| self.accessors(call)),
            other => Err(self.unexpected("Identifier", &other)),
        };
        self.depth -= 1;
        expr
    }

    fn call(&mut self, mut name: String) -> Result<Expr, String> {
        if self.take(&Token::Punctuation('.')) {
            name = format!("{name}.{}", self.word()?);
        }
        self.expect(&Token::Punctuation('('))?;
        let mut arguments = Vec::new();
        if !self.take(&Token::Punctuation(')')) {
            loop {
                arguments.push(self.expression()?);
                if !self.take(&Token::Punctuation(',')) {
                    break;
                }
            }
            self.expect(&Token::Punctuation(')'))?;
        }
        Ok(Expr::Call(name, arguments))
    }

    fn accessors(&mut self, mut of: Expr) -> Result<Expr, String> {
        for _ in 0..MAX_DEPTH {
            if self.take(&Token::Punctuation('.')) {
                of = Expr::Property(Box::new(of), self.word()?);
            } else if self.take(&Token::Punctuation('[')) {
                let index = self.expression()?;
                self.expect(&Token::Punctuation(']'))?;
                of = Expr::Index(Box::new(of), Box::new(index));
            } else {
                return Ok(of);
            }
        }
        Err(self.too_deep())
    }

    fn too_deep(&self) -> String {
        format!("The language expression '{}' is nested too deeply.", self.source)
    }

    fn word(&mut self) -> Result<String, String> {
        match self.next() {
            Token::Word(word) => Ok(word),
            other => Err(self.unexpected("Identifier", &other)),
        }
    }

    fn next(&mut self) -> Token {
        let token = self.tokens[self.at].clone();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.tokens[self.at] == *token;
        if found && *token != Token::End {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, token: &Token) -> Result<(), String> {
        if self.take(token) {
            return Ok(());
        }
        let actual = self.tokens[self.at].clone();
        Err(self.unexpected(token.name(), &actual))
    }

    fn unexpected(&self, expected: &str, actual: &Token) -> String {
        format!(
            "Unable to parse language expression '{}': expected token '{expected}' and actual '{}'.",
            self.source,
            actual.name()
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn call(name: &str, arguments: Vec<Expr>) -> Expr {
        Expr::Call(name.into(), arguments)
    }

    #[test]
    fn reads_calls_accessors_and_literals() {
        let expected = Expr::Index(
            Box::new(Expr::Property(
                Box::new(call("f", vec![Expr::Text("it's".into()), Expr::Number(-3)])),
                "a".into(),
            )),
            Box::new(call("ns.g", vec![])),
        );
        assert_eq!(parse("f('it''s', -3).a[ns.g()]"), Ok(expected));
    }

    #[test]
    fn says_what_azure_says() {
        for (source, message) in [
            (
                "concat('a',)",
                "Unable to parse language expression 'concat('a',)': expected token 'Identifier' and actual 'RightParenthesis'.",
            ),
            (
                "concat(a)",
                "Unable to parse language expression 'concat(a)': expected token 'LeftParenthesis' and actual 'RightParenthesis'.",
            ),
            (
                "",
                "Unable to parse language expression '': expected token 'Identifier' and actual 'EndOfData'.",
            ),
            (
                "concat('a)",
                "The language expression 'concat('a)' is not valid: the string constant at position '7' is not terminated. String constants must be enclosed within a pair of single quotes.",
            ),
            (
                "concat(1.5)",
                "The language expression 'concat(1.5)' at position '7' is not valid: float point numbers are not supported.",
            ),
        ] {
            assert_eq!(parse(source), Err(message.to_owned()));
        }
    }

    #[test]
    fn tells_expressions_from_text() {
        assert!(is_expression("[a()]"));
        for text in ["[[a]", "a", "[a", " [a()]", "[a()] b", ""] {
            assert!(!is_expression(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(source in "[a-z'(),.\\[\\] 0-9äé-]{0,60}") {
            let _ = parse(&source);
        }

        #[test]
        fn any_text_survives_quoting(text in ".*") {
            let source = format!("f('{}')", text.replace('\'', "''"));
            prop_assert_eq!(parse(&source), Ok(call("f", vec![Expr::Text(text)])));
        }

        #[test]
        fn deep_nesting_is_refused(depth in 201usize..3000) {
            let source = format!("{}f(){}", "f(".repeat(depth), ")".repeat(depth));
            prop_assert!(parse(&source).is_err());
        }
    }
}
