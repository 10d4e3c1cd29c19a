//! A world in which much was delivered.

use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use mimecast_ttp::ingest::report::Outcome;

use crate::support::world::{Builder, World};

pub(crate) const HOUR: Duration = Duration::from_secs(3600);

/// A world in which 2000 records were delivered, five hours ago and since.
pub(crate) async fn settled(world: Builder) -> Arc<World> {
    let world = world
        .records_every(TimeDelta::seconds(8), 2000, "2026-03-02T03:00:00Z")
        .page_size(500)
        .build();
    assert_eq!(world.pass().await.outcome, Outcome::Complete);
    assert_eq!(world.serials().len(), 2000);
    world
}
