use super::*;
use crate::clock::SimClock;

const HOST: &str =
    r#"{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"handler"}}}"#;
const TIMER: &str = r#"{"bindings":[{"name":"mytimer","type":"timerTrigger","direction":"in","schedule":"%SCHEDULE%"}]}"#;

struct AppFolder {
    folder: tempfile::TempDir,
    config: Config,
}

fn app(host_json: &str, functions: &[(&str, &str)]) -> AppFolder {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("host.json"), host_json).unwrap();
    for (name, json) in functions {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("function.json"), json).unwrap();
    }
    let mut config = Config::new(folder.path(), SimClock::real());
    config.app_settings = [("SCHEDULE", "0 */5 * * * *")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    AppFolder { folder, config }
}

impl AppFolder {
    fn set(mut self, name: &str, value: &str) -> Self {
        self.config
            .app_settings
            .insert(name.to_owned(), value.to_owned());
        self
    }

    fn read(&self) -> App {
        read(&self.config).unwrap()
    }

    fn refusal(&self) -> String {
        read(&self.config).unwrap_err().to_string()
    }
}

#[test]
fn a_plain_app_is_read_with_the_hosts_defaults() {
    let folder = app(HOST, &[("GetTTPUrl", TIMER)]);
    let app = folder.read();
    assert_eq!(
        app.functions,
        [Function {
            name: "GetTTPUrl".to_owned(),
            binding: "mytimer".to_owned(),
            schedule: Schedule::parse("0 */5 * * * *").unwrap(),
            run_on_startup: false,
            use_monitor: true,
        }]
    );
    assert_eq!(
        app.handler,
        Handler {
            executable: "handler".into(),
            arguments: Arguments::Described(Vec::new()),
            directory: folder.folder.path().to_owned(),
            stderr_is_for_errors: true,
        }
    );
    assert_eq!(app.function_timeout, Some(Duration::from_secs(1800)));
    assert_eq!(app.initialization_timeout, Duration::from_secs(30));
}

#[test]
fn a_program_in_the_app_root_comes_before_the_path() {
    let folder = app(HOST, &[("A", TIMER)]);
    let program = folder.folder.path().join("handler");
    fs::write(&program, "").unwrap();
    assert_eq!(folder.read().handler.executable, program);
}

#[test]
fn what_the_caller_gives_replaces_what_the_file_says() {
    let mut folder = app(HOST, &[("A", TIMER)]);
    folder.config.executable = Some("/bin/other".into());
    folder.config.arguments = Some(vec!["a b".to_owned()]);
    folder.config.function_timeout = Some(Duration::from_millis(5));
    let app = folder.read();
    assert_eq!(app.handler.executable, Path::new("/bin/other"));
    assert_eq!(
        app.handler.arguments,
        Arguments::Given(vec!["a b".to_owned()])
    );
    assert_eq!(app.function_timeout, Some(Duration::from_millis(5)));
}

#[test]
fn settings_override_and_disable() {
    let folder = app(HOST, &[("A", TIMER), ("B", TIMER), ("C", TIMER)])
        .set("AzureFunctionsJobHost__functionTimeout", "-1")
        .set(
            "AzureFunctionsJobHost__customHandler__initializationTimeout",
            "00:00:02",
        )
        .set("AzureWebJobs.B.Disabled", "true")
        .set("AzureWebJobs__C__Disabled", "1");
    let app = folder.read();
    assert!(app.unindexed.is_empty());
    assert_eq!(app.function_timeout, None);
    assert_eq!(app.initialization_timeout, Duration::from_secs(2));
    let names: Vec<_> = app.functions.iter().map(|f| f.name.as_str()).collect();
    assert_eq!(names, ["A"]);
}

#[test]
fn a_wrong_host_json_is_refused_and_says_why() {
    let cases = [
        ("{", "Unable to parse"),
        ("{}", "'version'"),
        (r#"{"version":2.0}"#, "'version'"),
        (r#"{"version":"2.0"}"#, "no customHandler section"),
        (
            r#"{"version":"2.0","customHandler":{}}"#,
            "Missing worker Description.",
        ),
        (
            r#"{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":""}}}"#,
            "cannot be empty",
        ),
        (
            r#"{"version":"2.0","extensionBundle":{"id":"x"},"customHandler":{"description":{"defaultExecutablePath":"x"}}}"#,
            "extensionBundle",
        ),
        (
            r#"{"version":"2.0","functionTimeout":"00:00:00","customHandler":{"description":{"defaultExecutablePath":"x"}}}"#,
            "functionTimeout",
        ),
        (
            r#"{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"x","workingDirectory":"nowhere"}}}"#,
            "nowhere",
        ),
        (
            r#"{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"x","arguments":"y"}}}"#,
            "no array",
        ),
    ];
    for (host_json, reason) in cases {
        let refusal = app(host_json, &[("A", TIMER)]).refusal();
        assert!(refusal.contains(reason), "{host_json}: {refusal}");
    }
    let empty = tempfile::tempdir().unwrap();
    let refusal = read(&Config::new(empty.path(), SimClock::real())).unwrap_err();
    assert!(refusal.to_string().contains("host.json"), "{refusal}");
}

#[test]
fn a_wrong_function_is_refused_by_name() {
    let binding = |name: &str, kind: &str| {
        format!(r#"{{"name":"{name}","type":"{kind}","schedule":"0 * * * * *"}}"#)
    };
    let bindings = |list: &[String]| format!(r#"{{"bindings":[{}]}}"#, list.join(","));
    let timer = binding("a", "timerTrigger");
    let cases = [
        ("1st", TIMER.to_owned(), "not a valid function name"),
        ("host", TIMER.to_owned(), "not a valid function name"),
        ("A", "{}".to_owned(), "No trigger binding"),
        (
            "A",
            bindings(&[timer.clone(), binding("A", "timerTrigger")]),
            "must be unique",
        ),
        (
            "A",
            bindings(&[timer, binding("b", "timerTrigger")]),
            "Multiple trigger",
        ),
        (
            "A",
            bindings(&[binding("a-b", "timerTrigger")]),
            "binding name a-b is invalid",
        ),
        (
            "A",
            bindings(&[binding("a", "blobTrigger")]),
            "'blobTrigger' are not registered",
        ),
        ("A", bindings(&[binding("a", "httpTrigger")]), "timers only"),
        (
            "A",
            TIMER.replacen('{', r#"{"retry":{"strategy":"fixedDelay"},"#, 1),
            "no retry policy",
        ),
    ];
    for (name, json, reason) in cases {
        let refusal = app(HOST, &[(name, &json)]).refusal();
        assert!(refusal.contains(reason), "{name} {json}: {refusal}");
        assert!(refusal.contains(&format!("'{name}'")), "{refusal}");
    }
    assert!(app(HOST, &[]).refusal().contains("No job functions found"));
}

#[test]
fn a_function_with_a_bad_or_missing_schedule_is_set_aside_and_the_others_stay() {
    let without = r#"{"bindings":[{"name":"a","type":"timerTrigger"}]}"#;
    for (json, reason) in [
        (without.to_owned(), "no schedule"),
        (
            TIMER.replace("SCHEDULE", "OTHER"),
            "'%OTHER%' does not resolve to a value.",
        ),
        (
            TIMER.replace("%SCHEDULE%", "hourly"),
            "'hourly' was not recognized",
        ),
    ] {
        let app = app(HOST, &[("A", &json), ("B", TIMER)]).read();
        let [unindexed] = app.unindexed.as_slice() else {
            panic!("{:?}", app.unindexed);
        };
        assert_eq!(unindexed.name, "A");
        assert!(unindexed.reason.contains(reason), "{unindexed:?}");
        assert_eq!(app.functions[0].name, "B");
    }
    assert!(app(HOST, &[("A", without)]).read().functions.is_empty());
}
