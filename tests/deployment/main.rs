//! The deployment template without Azure: its expressions are evaluated for every combination of
//! choices, and rules are kept on what it says and on what comes out.

#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

mod bundle;
mod choices;
mod clouds;
mod evaluate;
mod expression;

#[test]
fn probe() {
    let bundle = bundle::Bundle::read();
    let start = std::time::Instant::now();
    let all = bundle.deployments();
    println!("{} in {:?}", all.len(), start.elapsed());
    for each in all {
        if let Err(e) = &each.result {
            println!("{}: {e}", each.choice.label());
        }
    }
    let (c, d) = bundle.deployed().next().unwrap();
    println!("{}", c.label());
    for r in &d.resources {
        println!("{} {}", r.of, r.name);
    }
    println!(
        "{}",
        serde_json::to_string_pretty(&d.of("Microsoft.Web/sites/config").next().unwrap().body)
            .unwrap()
    );
}
