//! Packages of npm that tests run, installed from a lock file when they are missing.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A folder below `tests/` whose packages are installed; `why` says what needs them.
pub fn installed(name: &str, why: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name);
    // Test binaries run one after another, but a person may run two commands.
    let lock = std::fs::File::create(folder.join(".install.lock"));
    let lock = lock.expect("the folder can be written");
    lock.lock().expect("the lock can be taken");
    // npm writes this file last: without it an installation was broken off.
    if folder.join("node_modules/.package-lock.json").exists() {
        return folder;
    }
    let node = Command::new("node").arg("--version").output();
    assert!(
        node.is_ok_and(|output| output.status.success()),
        "\n\n{why}, which needs Node.js 20 or newer with npm.\n\
         Node.js was not found on the PATH: install it and run the tests again.\n\n"
    );
    let installed = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .output()
        .expect("npm can be started: it comes with Node.js");
    assert!(
        installed.status.success(),
        "`npm ci` in tests/{name} failed:\n{}",
        String::from_utf8_lossy(&installed.stderr)
    );
    folder
}
