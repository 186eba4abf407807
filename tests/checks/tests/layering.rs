//! Data flows one way through the crates and through the modules of the ETL, and three dependencies have exactly one door each.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod modules;
mod sources;

use std::collections::BTreeSet;

use modules::{cycle, imports};
use serde_json::Value;
use sources::{root, sources};

/// What `cargo metadata` says of the packages of the workspace. Asked for directly: the crate that wraps it switches on a
/// feature of serde_json, and that rebuilds all of DataFusion.
fn packages() -> Vec<Value> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// The dependencies of a crate of one kind: `None` for normal ones, else `dev` or `build`.
fn dependencies(package: &Value, kind: Option<&str>) -> BTreeSet<String> {
    let dependencies = package["dependencies"].as_array().unwrap().iter();
    dependencies
        .filter(|dependency| dependency["kind"].as_str() == kind)
        .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
        .collect()
}

/// Crates of the workspace that a crate depends on.
fn edges(of: &str, kind: Option<&str>) -> BTreeSet<String> {
    let packages = packages();
    let package = packages.iter().find(|package| package["name"] == of).unwrap();
    dependencies(package, kind).into_iter().filter(|name| name.starts_with("connectwise-")).collect()
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn data_flows_one_way_through_the_crates() {
    assert_eq!(edges("connectwise-openapi", None), set(&[]));
    assert_eq!(edges("connectwise-codegen", None), set(&[]));
    assert_eq!(edges("connectwise-sdk", None), set(&[]));
    assert_eq!(edges("connectwise-sdk", Some("build")), set(&["connectwise-codegen", "connectwise-openapi"]));
    assert_eq!(edges("connectwise-sim", None), set(&["connectwise-openapi"]), "facts, and no code of others");
    assert_eq!(edges("connectwise-sim", Some("dev")), set(&[]), "the simulator is tested by a client that isn't ours");
    assert_eq!(edges("connectwise-extract", None), set(&["connectwise-sdk"]));
    assert_eq!(edges("connectwise-storage", None), set(&[]));
    assert_eq!(edges("connectwise-datafiles", None), set(&["connectwise-storage"]));
    assert_eq!(edges("connectwise-compute", None), set(&["connectwise-storage"]));
    let files = ["connectwise-datafiles", "connectwise-storage"];
    assert_eq!(edges("connectwise-lakehouse", None), set(&[&files[..], &["connectwise-compute"]].concat()));
    assert_eq!(edges("connectwise-upkeep", None), set(&[&files[..], &["connectwise-lakehouse"]].concat()));
    let below = [
        "connectwise-extract",
        "connectwise-lakehouse",
        "connectwise-sdk",
        "connectwise-storage",
        "connectwise-upkeep",
    ];
    assert_eq!(edges("connectwise-pipeline", None), set(&below));
    // The demo runs the simulator in the process, so the program knows how to start one, and nothing else of it.
    let all = [&below[..], &["connectwise-pipeline", "connectwise-sim"]].concat();
    assert_eq!(edges("connectwise-etl", None), set(&all));
    // The package for Python is another door to what the program does.
    let python =
        ["connectwise-etl", "connectwise-lakehouse", "connectwise-pipeline", "connectwise-sdk", "connectwise-sim"];
    assert_eq!(edges("connectwise-python", None), set(&python));
}

/// All crates below one, of its own or of others.
fn tree(of: &str) -> BTreeSet<String> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}", "--package", of])
        .arg("--manifest-path")
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn crates_do_without_what_they_do_not_need() {
    let extract = tree("connectwise-extract");
    assert!(extract.contains("arrow-array"), "{extract:?}");
    for heavy in ["datafusion", "deltalake", "parquet", "object_store"] {
        assert!(!extract.iter().any(|name| name.starts_with(heavy)), "extract is built with {heavy}");
    }
    for name in ["connectwise-storage", "connectwise-datafiles"] {
        for heavy in ["datafusion", "deltalake"] {
            assert!(!tree(name).iter().any(|name| name.starts_with(heavy)), "{name} is built with {heavy}");
        }
    }
    for name in ["connectwise-extract", "connectwise-upkeep", "connectwise-pipeline"] {
        assert!(!tree(name).contains("connectwise-sim"), "{name} is built with the simulator");
    }
    assert!(!tree("connectwise-upkeep").contains("connectwise-sdk"), "the lakehouse knows ConnectWise");
    let codegen = tree("connectwise-codegen");
    let sdk = tree("connectwise-sdk");
    for generator in ["openapiv3", "progenitor-impl", "typify"] {
        assert!(codegen.contains(generator), "the generator is built without {generator}");
        assert!(!sdk.contains(generator), "the SDK is built with {generator}: only its build script needs that");
    }
    // The C of aws-lc takes longer than all the rest of the SDK.
    assert!(sdk.contains("ring") && !sdk.contains("aws-lc-rs") && !sdk.contains("aws-lc-sys"), "{sdk:?}");
    assert!(sdk.contains("progenitor-client") && !codegen.contains("progenitor-client"));
}

#[test]
fn the_heavy_tree_stays_in_the_etl() {
    let kinds = [None, Some("dev"), Some("build")];
    // Whoever builds sessions or Delta tables has built the tree.
    let builds_it = |package: &&Value| {
        let names = ["connectwise-compute", "connectwise-lakehouse"];
        let depends = |name| kinds.iter().any(|kind| dependencies(package, *kind).contains(name));
        names.iter().any(|name| package["name"] == *name || depends(*name))
    };
    let packages = packages();
    let (heavy_ones, light): (Vec<_>, Vec<_>) = packages.iter().partition(builds_it);
    let names: BTreeSet<_> = heavy_ones.iter().filter_map(|package| package["name"].as_str()).collect();
    let heavy = [
        "connectwise-compute",
        "connectwise-etl",
        "connectwise-lakehouse",
        "connectwise-pipeline",
        "connectwise-python",
        "connectwise-tests",
        "connectwise-upkeep",
    ];
    assert_eq!(names, BTreeSet::from(heavy));
    for package in light {
        for kind in kinds {
            for heavy in ["deltalake", "datafusion", "parquet"] {
                // Parquet alone is built in a minute.
                let is_of_files =
                    ["connectwise-storage", "connectwise-datafiles"].iter().any(|name| package["name"] == *name);
                assert!(
                    (heavy == "parquet" && is_of_files) || !dependencies(package, kind).contains(heavy),
                    "{} depends on {heavy}: most tests would no longer build in seconds",
                    package["name"]
                );
            }
        }
    }
}

#[test]
fn some_crates_have_one_door_each() {
    // Tests steer the simulator with a plain client, and change tables as others would.
    for (word, allowed) in [
        ("reqwest::", &["sdk/", "sim/tests/", "tests/tests/"][..]),
        ("pyo3::", &["python/src/"][..]),
        (
            "deltalake::",
            &[
                "etl/compute/src/",
                "etl/lakehouse/src/",
                "etl/upkeep/src/",
                "tests/tests/lake/by_hand.rs",
                "tests/tests/lake/others.rs",
                "tests/tests/lake/store.rs",
                "tests/tests/lake/switching.rs",
            ][..],
        ),
    ] {
        for file in sources(&["codegen", "sdk", "sim", "etl", "python", "tests", "bench"]) {
            let path = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&file).unwrap();
            let imported = text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(word));
            let is_this_test = path.ends_with("checks/tests/layering.rs");
            assert!(
                !imported || is_this_test || allowed.iter().any(|place| path.starts_with(place)),
                "{path} imports {word}"
            );
        }
    }
}

#[test]
fn no_modules_of_the_etl_import_each_other_in_a_ring() {
    let crates = [
        ("extract", 8),
        ("storage", 8),
        ("datafiles", 6),
        ("compute", 4),
        ("lakehouse", 18),
        ("upkeep", 7),
        ("pipeline", 15),
        ("cli", 10),
    ];
    for (name, most) in crates {
        let imports = imports(&root().join("etl").join(name).join("src"));
        assert!(imports.len() > most, "only {} modules found in {name}: is the layout another one?", imports.len());
        if let Some(cycle) = cycle(&imports) {
            panic!("modules of {name} import each other in a ring: {}", cycle.join(" -> "));
        }
    }
}

/// Cargo copies packages alone where it vendors or packs them: a git dependency of somebody else has nothing beside them.
#[test]
fn packages_for_others_read_no_file_outside_of_them() {
    let packages = ["openapi", "codegen", "sdk", "sim"];
    let mut read = 0;
    for file in sources(&packages) {
        let place = file.strip_prefix(root()).unwrap();
        let (package, inside) = place.to_str().unwrap().split_once('/').unwrap();
        if !inside.starts_with("src/") && inside != "build.rs" {
            continue;
        }
        let folder = root().join(package);
        let text = std::fs::read_to_string(&file).unwrap();
        let built = text.split("#[cfg(test)]").next().unwrap();
        assert!(inside != "build.rs" || !built.contains("../"), "{} leaves its package", place.display());
        for rest in built.split("include_").skip(1) {
            let Some(path) = rest.split_once("!(\"").and_then(|(_, rest)| rest.split('"').next()) else { continue };
            let mut target = file.parent().unwrap().to_owned();
            for step in path.split('/') {
                if step == ".." {
                    target.pop();
                } else {
                    target.push(step);
                }
            }
            assert!(target.starts_with(&folder), "{} reads {path}, which isn't in its package", place.display());
            read += 1;
        }
    }
    assert!(read > 0, "no file is read while compiling: is it said in another way?");
}

#[test]
fn documents_name_paths_that_exist() {
    // A lakehouse has a folder `etl/`, too.
    let folders = [
        "openapi/",
        "codegen/",
        "sdk/",
        "sim/",
        "etl/extract/",
        "etl/storage/",
        "etl/datafiles/",
        "etl/compute/",
        "etl/lakehouse/",
        "etl/upkeep/",
        "etl/pipeline/",
        "etl/cli/",
        "tests/",
        "bench/",
        "python/",
        "docs/",
        ".github/",
    ];
    let mut named = 0;
    for document in ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"] {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        // What stands in backticks; a pattern stands for whatever fits it.
        for quoted in text.split('`').skip(1).step_by(2) {
            let path = quoted.trim_start_matches("./");
            let is_path = folders.iter().any(|folder| path.starts_with(folder));
            if !is_path || path.contains(['*', '<', '{', ' ', '$']) {
                continue;
            }
            named += 1;
            assert!(root().join(path).exists(), "{document} names {path}, which isn't there");
        }
    }
    assert!(named > 10, "only {named} paths found in the documents");
}
