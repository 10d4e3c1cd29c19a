//! Settings from files.

use crate::{
    Bench, Illness,
    support::program::{command, run},
};

#[tokio::test]
async fn settings_come_from_a_file_where_one_is_given() {
    let bench = Bench::start(Illness::default()).await;
    let values: serde_json::Map<_, _> = bench
        .settings
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let local = serde_json::json!({"IsEncrypted": false, "Values": values}).to_string();
    let lines = bench.settings.iter();
    let lines = lines.map(|(name, value)| format!("export {name}='{value}'"));
    let lines = lines.collect::<Vec<_>>().join("\n");
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("local.settings.json", local), (".env", lines)] {
        std::fs::write(folder.path().join(name), text).unwrap();
        for words in [&["check"][..], &["run"], &["checkpoint", "show"]] {
            let mut command = command(&[]);
            command.args(words).args(["--settings", name]);
            command.current_dir(folder.path());
            let (code, out, err) = run(command).await;
            assert_eq!(code, 0, "{words:?} {out}{err}");
        }
    }
    let mut without = command(&[]);
    without.arg("run").current_dir(folder.path());
    let (code, _, err) = run(without).await;
    assert!(
        code == 2 && err.contains("`--settings local.settings.json` reads it"),
        "{err}"
    );
    let mut of_the_host = command(&[]);
    of_the_host
        .args(["serve", "--settings", ".env"])
        .current_dir(folder.path());
    let (code, _, err) = run(of_the_host).await;
    assert!(
        code == 2 && err.contains("gets its settings from the Functions host"),
        "{err}"
    );
}
