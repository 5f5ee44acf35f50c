//! Many at once do all that can be done: nothing that one of them was told is lost, none sees what
//! never was, and each gets its turn.

use std::collections::BTreeMap;

use engine_catalog::{Catalog, VerifyScope};

use crate::readers::while_reading;
use crate::support::crowd::{Children, assert_chains, work_time};
use crate::support::observe::assert_clean;
use crate::support::sample::name;
use crate::writers::{PROCESSES, SHARED, own_refs};

#[test]
fn histories_are_what_the_writers_were_told_and_everybody_gets_a_turn() {
    // In memory, where thousands of changes get in each other's way.
    let scratch = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let root = scratch.as_ref().expect("there is room").path().join("root");
    let catalog = Catalog::create(&root).expect("it can be made");
    let roles: Vec<_> = (0..PROCESSES)
        .map(|process| format!("write {process}"))
        .collect();
    let mut roles: Vec<_> = roles.iter().map(String::as_str).collect();
    roles.push("collect");
    let reader = Catalog::open_read_only(&root).expect("there is a catalog");
    let (told, reads) = while_reading(&reader, || Children::run_and_listen(&roles, &root));
    let shared = SHARED.map(str::to_owned).into_iter();
    let names: Vec<_> = shared
        .chain(own_refs())
        .map(|engine| name(&engine))
        .collect();
    assert_chains(&catalog, &names);
    let mut changes = 0;
    for name in &names {
        let history = catalog.history(name).expect("it can be read");
        let mut lines: Vec<_> = history
            .iter()
            .map(|change| {
                let line = change.to_string();
                let words: Vec<_> = line.split(' ').skip(1).take(3).collect();
                format!("{name} {}", words.join(" "))
            })
            .collect();
        let is_of_it = |line: &&String| line.split(' ').next() == Some(&name.to_string());
        let mut acknowledged: Vec<_> = told.iter().filter(is_of_it).cloned().collect();
        lines.sort_unstable();
        acknowledged.sort_unstable();
        assert_eq!(lines, acknowledged, "{name}");
        changes += lines.len();
    }
    let report = catalog.verify(&VerifyScope::Everything, &|_| {});
    assert_eq!(report.expect("it can be verified").findings, []);
    assert_clean(&root);
    let shares = shares(&told);
    println!(
        "{changes} changes in {:?}; {shares:?}; {reads:?}",
        work_time()
    );
    assert_eq!(shares.values().map(Vec::len).sum::<usize>(), 4 * PROCESSES);
    for (kind, shares) in shares {
        let (least, sum) = (shares[0], shares.iter().sum::<u32>());
        let fair = sum / u32::try_from(shares.len()).expect("they are few");
        assert!(least > 0 && least >= fair / 10, "{kind}: {shares:?}");
    }
    for (reader, times) in reads {
        assert!(times > 0, "{reader} never came to its end");
    }
}

/// How much each writer got done, in ascending order, by what it did.
fn shares(told: &[String]) -> BTreeMap<&str, Vec<u32>> {
    let mut shares = BTreeMap::<_, Vec<u32>>::new();
    for line in told.iter().filter_map(|line| line.strip_prefix("share ")) {
        let (kind, number) = line.split_once(' ').expect("it is told like that");
        let number = number.parse().expect("it is a number");
        shares.entry(kind).or_default().push(number);
    }
    shares
        .values_mut()
        .for_each(|shares| shares.sort_unstable());
    shares
}
