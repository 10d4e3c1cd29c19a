//! The command line of `bench`.

use clap::builder::{RangedU64ValueParser, TypedValueParser};

use super::records;
use crate::{cli::simulated::SinkKind, model::feed::Feed};

/// How the numbers are to be read, at the end of `--help`.
const READING: &str = "\
What the columns say:
  MB read     text of the records that Mimecast sent to the pass, those sent twice too
  wall s      from the host's call to its answer; records/s goes with it
  us/record   CPU time of the whole process per record, its start included: user, system, and
              the sum. Start and saves cost about 5 to 20 ms whatever the number of records,
              so a small backlog looks expensive. The sum is exact; in short runs Linux only
              estimates how it divides into user and system
  simulators  CPU time of the simulators during the pass, on the same machine
  peak MiB    the most memory that the process held (VmHWM)
  calls       to Mimecast; posts are those to Log Analytics, saves those of checkpoints
  start ms    from the start of the process to its first answer
  fetch s     wall time of only reading the same records with the same client and discarding
              them: one listing per feed, page after page, all feeds at once; ratio is wall s
              divided by fetch s. It may be below 1, since a pass reads ranges concurrently

Examples:
  mimecast-ttp bench
  mimecast-ttp bench --records 50000 --feed url --page-latency-ms 50 --parallel 1,4
  mimecast-ttp bench --records 100000 --repeat 5 --json > bench.json

Exit codes: 0 done, 1 a record is missing, doubled or altered, or nothing could be measured,
2 the command line is wrong.";

/// What is measured, and how.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = READING)]
pub(in crate::cli) struct Options {
    /// How many records the backlog has; a list gives a line of the table for each.
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "10000,100000", value_parser = count(records::MOST))]
    pub(super) records: Vec<usize>,
    /// How many days before now the backlog is spread over; the first run reads all of them.
    #[arg(long, value_name = "DAYS", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=30))]
    pub(super) lookback_days: u16,
    /// Put all records into this feed: url, attachment or impersonation. May be given more than once.
    /// By default 60 % are url records, 25 % attachment and 15 % impersonation.
    #[arg(long = "feed", value_name = "FEED")]
    pub(super) feeds: Vec<Feed>,
    /// How long Mimecast takes for each page. 0 measures the machine alone; a real service takes about
    /// 50 to 500 ms, and then the number of concurrent calls matters.
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=LONGEST_LATENCY_MS))]
    pub(super) page_latency_ms: u64,
    /// How long Log Analytics takes for each post.
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=LONGEST_LATENCY_MS))]
    pub(super) post_latency_ms: u64,
    /// How rows reach Log Analytics. The simulator of the Logs Ingestion API needs about a millisecond for
    /// each row, because it applies the rule's transform: read CPU time and memory here, not throughput.
    #[arg(long, value_enum, value_name = "SINK", default_value_t = SinkKind::DataCollector)]
    pub(super) sink: SinkKind,
    /// The app setting `parallel_ranges` of the pass, 1 to 16; a list gives a line for each. By default the
    /// setting is left out, which means 4.
    #[arg(long, value_name = "N,...", value_delimiter = ',', value_parser = count(16))]
    pub(super) parallel: Vec<usize>,
    /// Mimecast's calls in 5 seconds, above which it answers 429. A real account was seen to have 800,
    /// which limits every long backlog; the default is practically no limit.
    #[arg(long, value_name = "CALLS", default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) quota: u32,
    /// How many times to measure each line. Each time is the middle one of all runs (of an even number the lower
    /// one), memory the largest, and counts are those of the last run.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) repeat: u16,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// An attempt of the program ends after a minute, and with it every measurement.
const LONGEST_LATENCY_MS: u64 = 30_000;

/// Whole numbers from 1 to `most`.
fn count(most: usize) -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::<usize>::new().range(1..=most as u64)
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) records: usize,
    /// The setting `parallel_ranges`, if it is set.
    pub(super) parallel: Option<usize>,
}

impl Options {
    /// The lines of the table, in their order.
    pub(super) fn cases(&self) -> Vec<Case> {
        let parallel: Vec<Option<usize>> = if self.parallel.is_empty() {
            vec![None]
        } else {
            self.parallel.iter().copied().map(Some).collect()
        };
        let of = |records: &usize| {
            let records = *records;
            let case = move |parallel: &Option<usize>| Case {
                records,
                parallel: *parallel,
            };
            parallel.iter().map(case).collect::<Vec<_>>()
        };
        self.records.iter().flat_map(of).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn parse(line: &str) -> Result<Options, clap::Error> {
        Line::try_parse_from(line.split(' ')).map(|line| line.options)
    }

    #[test]
    fn every_pair_of_listed_numbers_is_a_line() {
        let cases = parse("bench --records 100,200 --parallel 1,4")
            .unwrap()
            .cases();
        let pairs: Vec<_> = cases
            .iter()
            .map(|case| (case.records, case.parallel))
            .collect();
        let expected = [
            (100, Some(1)),
            (100, Some(4)),
            (200, Some(1)),
            (200, Some(4)),
        ];
        assert_eq!(pairs, expected);
        let usual = parse("bench").unwrap().cases();
        assert_eq!(usual.len(), 2);
        assert!(usual.iter().all(|case| case.parallel.is_none()));
    }

    #[test]
    fn numbers_that_measure_nothing_are_refused() {
        for line in [
            "bench --records 0",
            "bench --records 100,",
            "bench --records 1000000000",
            "bench --parallel 0",
            "bench --repeat 0",
            "bench --lookback-days 31",
            "bench --feed mail",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
