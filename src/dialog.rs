//! Questions on a terminal, each asked until its answer will do.

use crate::failure::{Exit, Failure};
use crate::ui::{Event, Ui};

/// Shows a question and gives the line that is typed, with its end; empty when there will be no more.
type Ask<'a> = Box<dyn FnMut(&str) -> anyhow::Result<String> + 'a>;

/// Asks.
pub struct Dialog<'a> {
    ask: Ask<'a>,
    /// Shows a line.
    say: Box<dyn FnMut(&str) + 'a>,
}

impl<'a> Dialog<'a> {
    /// On the terminal, if there is one.
    pub fn on(ui: &'a Ui) -> Option<Self> {
        let say = |text: &str| ui.event(Event::Note { text });
        ui.can_ask().then(|| Self { ask: Box::new(|question| ui.ask(question)), say: Box::new(say) })
    }

    /// Says something.
    pub fn say(&mut self, text: &str) {
        (self.say)(text);
    }

    /// Asks until `judge` takes the answer; an empty line is `default`, if there is one.
    ///
    /// # Errors
    /// When the input ends, or on an interrupt.
    pub fn ask<T>(
        &mut self,
        question: &str,
        default: Option<&str>,
        mut judge: impl FnMut(&mut Self, &str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        let hint = default.map(|default| format!(" [{default}]")).unwrap_or_default();
        loop {
            let line = (self.ask)(&format!("{question}{hint}: "))?;
            if line.is_empty() {
                self.say("");
                let text = "the input ended before all questions were answered";
                return Err(Failure::new(Exit::Usage, "Usage", text).into());
            }
            let answer = match line.trim() {
                "" => default.unwrap_or_default(),
                answer => answer,
            };
            if answer.is_empty() {
                continue;
            }
            match judge(self, answer) {
                Ok(taken) => return Ok(taken),
                Err(wrong) => self.say(&format!("  {wrong}")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_question_is_asked_until_it_is_answered() {
        let seen = RefCell::new(String::new());
        let mut lines = ["\n", "many\n", "7\n", "\n", ""].into_iter();
        let mut dialog = Dialog {
            ask: Box::new(|question| {
                *seen.borrow_mut() += question;
                Ok(lines.next().unwrap_or_default().to_owned())
            }),
            say: Box::new(|text| *seen.borrow_mut() += &format!("{text}\n")),
        };
        let number =
            |_: &mut Dialog<'_>, text: &str| text.parse().map_err(|_| format!("`{text}` is no number"));
        assert_eq!(dialog.ask::<u32>("How many", None, number).unwrap(), 7);
        assert_eq!(dialog.ask::<u32>("And", Some("3"), number).unwrap(), 3);
        let ended = dialog.ask::<u32>("More", Some("3"), number).unwrap_err();
        assert_eq!(ended.downcast_ref::<Failure>().map(|failure| failure.exit), Some(Exit::Usage));
        drop(dialog);
        assert_eq!(
            seen.into_inner(),
            "How many: How many:   `many` is no number\nHow many: And [3]: More [3]: \n"
        );
    }
}
