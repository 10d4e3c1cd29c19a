//! `simulate`: the simulators alone, for `func start` or `run`.

use std::{io, sync::Arc, time::Duration};

use chrono::TimeDelta;

use super::{
    DONE, FAILED,
    args::Simulate,
    say, say_error,
    simulated::{self, Sink},
};
use scenario::{Plan, Scenario};
use simulators::{
    clock::SimClock,
    log::Log,
    mimecast::{self, Simulator},
};

/// How long the simulated company goes on writing mail from now on.
const FUTURE: TimeDelta = TimeDelta::days(7);

/// How often news is printed.
const NEWS: Duration = Duration::from_secs(2);

/// Serves both simulators by this machine's clock until it is interrupted.
pub(super) async fn simulate(options: &Simulate) -> u8 {
    match serve(options).await {
        Ok(()) => DONE,
        Err(error) => {
            say_error(&format!(
                "The simulators cannot be started on the ports {} and {}: {error}. Choose others by --mimecast-port and --log-analytics-port; 0 picks a free one.",
                options.mimecast_port, options.log_analytics_port
            ));
            FAILED
        }
    }
}

async fn serve(options: &Simulate) -> io::Result<()> {
    let clock = SimClock::real();
    let now = clock.now();
    let plan = Plan::new(
        options.seed,
        options.records,
        now - TimeDelta::days(7),
        now + FUTURE,
    );
    let records = Arc::new(Scenario::new(plan));
    let mut mimecast_config = mimecast::Config::new(records, clock.clone());
    mimecast_config.api = options.api.into();
    let mimecast = Simulator::start(mimecast_config.clone(), options.mimecast_port).await?;
    let port = options.log_analytics_port;
    let (sink, sink_settings) = Sink::start(
        options.sink,
        clock,
        port,
        Vec::new(),
        Duration::ZERO,
        |_| {},
    )
    .await?;

    let mut settings = simulated::mimecast(&mimecast, &mimecast_config);
    settings.extend(sink_settings);
    say("Settings for `Values` in local.settings.json; all of them are invented:\n");
    let lines: Vec<_> = settings
        .iter()
        .map(|(name, value)| format!("    {}: {}", quoted(name), quoted(value)))
        .collect();
    say(&lines.join(",\n"));
    say("\nThe same for a shell:\n");
    for (name, value) in &settings {
        say(&format!("    export {name}='{value}'"));
    }
    say("    export checkpoint_dir='simulate-checkpoints'");
    say(&format!(
        "\n{} records, half of them from the past seven days, the rest appearing over the next seven. Interrupt to stop.",
        options.records
    ));
    say_posts(&sink).await
}

/// Says how many posts there were whenever there are more; ends with an interrupt.
async fn say_posts(sink: &Sink) -> io::Result<()> {
    let mut known = 0;
    loop {
        tokio::select! {
            signal = tokio::signal::ctrl_c() => return signal,
            () = tokio::time::sleep(NEWS) => {
                let (mut posts, mut accepted, mut rows) = (0, 0, 0);
                for log in Log::ALL {
                    let of_log = sink.posts(log);
                    posts += of_log.taken + of_log.failed;
                    accepted += of_log.taken;
                    rows += of_log.rows;
                }
                if posts != known {
                    say(&format!("{posts} posts, {accepted} accepted, {rows} rows stored"));
                    known = posts;
                }
            }
        }
    }
}

fn quoted(text: &str) -> serde_json::Value {
    serde_json::Value::from(text)
}
