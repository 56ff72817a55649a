//! Where the behaviour of hosts and stand-ins comes from; printed into `twin/CLAIMS.md`.

use crate::claims::{Claim, Sure};

/// One row for each behaviour.
pub const CLAIMS: &[Claim] = &[
    Claim {
        what: "host: the osProfile's user has its authorized keys, no password, and sudo without one",
        source: "Azure/WALinuxAgent, azurelinuxagent/common/osutil/default.py (`/etc/sudoers.d/waagent`)",
        sure: Sure::High,
    },
    Claim {
        what: "host: customData lies in /var/lib/waagent/CustomData, as it was sent",
        source: "Azure/WALinuxAgent README, Provisioning.DecodeCustomData",
        sure: Sure::High,
    },
    Claim {
        what: "host: sshd takes keys only when the osProfile says disablePasswordAuthentication",
        source: "Azure compute documentation, linuxConfiguration.disablePasswordAuthentication",
        sure: Sure::Medium,
    },
];
