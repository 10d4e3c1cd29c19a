//! Processor time, as the system keeps it.

use std::time::Duration;

/// What processes have used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cpu {
    /// In their programs.
    pub(super) user: Duration,
    /// In the system on their behalf.
    pub(super) system: Duration,
}

impl Cpu {
    /// Both.
    pub(super) fn total(self) -> Duration {
        self.user + self.system
    }

    /// What was used since `before`.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }
}

/// Whose time is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// This process's.
    Own,
    /// That of all children that have ended and were waited for.
    EndedChildren,
}

/// The time used so far; `None` where the system cannot be asked.
#[cfg(unix)]
pub(super) fn used(whose: Whose) -> Option<Cpu> {
    use nix::sys::{
        resource::{UsageWho, getrusage},
        time::{TimeVal, TimeValLike as _},
    };
    let usage = getrusage(match whose {
        Whose::Own => UsageWho::RUSAGE_SELF,
        Whose::EndedChildren => UsageWho::RUSAGE_CHILDREN,
    })
    .ok()?;
    let time = |value: TimeVal| {
        Duration::from_micros(u64::try_from(value.num_microseconds()).unwrap_or_default())
    };
    Some(Cpu {
        user: time(usage.user_time()),
        system: time(usage.system_time()),
    })
}

/// The time used so far; `None` where the system cannot be asked.
#[cfg(not(unix))]
pub(super) fn used(_: Whose) -> Option<Cpu> {
    None
}

/// What was used between two questions, if both were answered.
pub(super) fn between(before: Option<Cpu>, after: Option<Cpu>) -> Option<Cpu> {
    Some(after?.since(before?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_is_the_difference() {
        let cpu = |user, system| Cpu {
            user: Duration::from_millis(user),
            system: Duration::from_millis(system),
        };
        assert_eq!(between(Some(cpu(5, 7)), Some(cpu(15, 8))), Some(cpu(10, 1)));
        assert_eq!(between(None, Some(cpu(1, 1))), None);
        assert_eq!(cpu(2, 3).total(), Duration::from_millis(5));
    }

    #[cfg(unix)]
    #[test]
    fn a_child_counts_once_it_has_ended() {
        let own = used(Whose::Own).unwrap();
        assert!(own.total() > Duration::ZERO);
        let before = used(Whose::EndedChildren).unwrap();
        let script = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done";
        let ended = std::process::Command::new("sh")
            .args(["-c", script])
            .status();
        assert!(ended.unwrap().success());
        let after = used(Whose::EndedChildren);
        assert!(between(Some(before), after).unwrap().total() > Duration::ZERO);
    }
}
