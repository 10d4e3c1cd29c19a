use super::*;
use crate::functions_host::{schedule::Schedule, timer::Timer};

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(&format!("2026-11-10T{text}Z"))
        .unwrap()
        .to_utc()
}

#[test]
fn a_traceparent_has_the_form_of_the_standard() {
    let function = Function {
        name: "A".to_owned(),
        binding: "t".to_owned(),
        schedule: Schedule::parse("0 * * * * *").unwrap(),
        run_on_startup: false,
        use_monitor: true,
    };
    let timer = Timer::new(function.schedule.clone(), false, true);
    let run = Kind::Normal.run(&timer, at("09:37:20"));
    let how = Invocation {
        traceparent: true,
        ..Invocation::default()
    };
    let request = request(&function, &run, how, Uuid::new_v4(), at("09:37:20"));
    let traceparent = request.traceparent.unwrap();
    let lengths: Vec<_> = traceparent.split('-').map(str::len).collect();
    assert_eq!(lengths, [2, 32, 16, 2], "{traceparent}");
}
