//! What Azure says while questions are asked. Nobody needs to be signed in for `init`: what cannot be read is typed.

use crate::azure::account::{self, Subscription};
use crate::azure::quota::usages;
use crate::azure::region::regions;
use crate::azure::skus::skus;
use crate::azure::{Az, AzError, Kind};
use crate::offers::{Offer, offers};
use crate::process::{ProcessError, Runner};
use crate::threads::joined;
use crate::ui::{Event, Ui};

/// Azure, as long as it answers.
pub struct Live<'a> {
    az: Option<Az<'a>>,
    ui: &'a Ui,
}

impl<'a> Live<'a> {
    /// Nothing is asked yet.
    pub fn new(runner: &'a Runner<'a>, ui: &'a Ui) -> Self {
        Self { az: Some(Az::new(runner, "")), ui }
    }

    /// The subscriptions that can be used, az's default first; empty when they cannot be read.
    ///
    /// # Errors
    /// On an interrupt.
    pub fn subscriptions(&mut self) -> anyhow::Result<Vec<Subscription>> {
        let mut found = self.read("subscriptions", account::subscriptions)?.unwrap_or_default();
        found.retain(|one| one.state == "Enabled");
        found.sort_by_key(|one| !one.is_default);
        if found.is_empty() && self.az.take().is_some() {
            self.ui.event(Event::Note {
                text: "az knows no subscription: sign in with `az login`, or type the values",
            });
        }
        Ok(found)
    }

    /// From now on the subscription of that name or id is asked.
    ///
    /// # Errors
    /// On an interrupt.
    pub fn choose(&mut self, subscription: &str) -> anyhow::Result<()> {
        self.az = self.az.as_ref().map(|az| az.on(subscription));
        let caller = self.read("access", account::caller)?;
        self.az = self.az.as_ref().zip(caller).map(|(az, caller)| az.on(caller.subscription_id));
        Ok(())
    }

    /// The regions; empty when they cannot be read.
    ///
    /// # Errors
    /// On an interrupt.
    pub fn regions(&mut self) -> anyhow::Result<Vec<String>> {
        let mut found = self.read("regions", regions)?.unwrap_or_default();
        found.sort();
        Ok(found)
    }

    /// The GPU sizes of a region; empty when they cannot be read.
    ///
    /// # Errors
    /// On an interrupt.
    pub fn offers(&mut self, region: &str) -> anyhow::Result<Vec<Offer>> {
        let both = |az: &Az<'_>| {
            std::thread::scope(|scope| {
                let skus = scope.spawn(|| skus(az, region));
                let usages = usages(az, region);
                Ok(offers(&joined(skus)?, &usages?))
            })
        };
        Ok(self.read("sizes and quota", both)?.unwrap_or_default())
    }

    /// What `read` finds. Once that fails, the reason is told, and Azure is not asked again.
    fn read<T>(
        &mut self,
        what: &str,
        read: impl FnOnce(&Az<'a>) -> Result<T, AzError>,
    ) -> anyhow::Result<Option<T>> {
        let Some(az) = &self.az else { return Ok(None) };
        self.ui.event(Event::PhaseStarted { name: what });
        match read(az) {
            Ok(found) => {
                self.ui.event(Event::PhaseDone { note: "" });
                Ok(Some(found))
            }
            Err(AzError { kind: Kind::Interrupted, .. }) => Err(ProcessError::Interrupted.into()),
            Err(error) => {
                self.ui.event(Event::PhaseOpen);
                let remedy = error.remedy().map(|remedy| format!("\n  next: {remedy}")).unwrap_or_default();
                let text = format!(
                    "{error}{remedy}\n  or type the values yourself: `ccslurm4ai check` looks at them"
                );
                self.ui.event(Event::Note { text: &text });
                self.az = None;
                Ok(None)
            }
        }
    }
}
