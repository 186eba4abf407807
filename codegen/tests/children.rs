//! Entities whose lists hang on the rows of another one.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod tiny;

const PART: &str = r#"
[[entity]]
name = "Part"
path = "/shop/widgets/{parentId}/parts"
load = "children"
parent = { entity = "Widget", property = "widget/id", conditions = 'cycle = "Slow"' }
"#;

#[test]
fn a_child_says_what_it_hangs_on() {
    let lake = format!("{}{PART}", tiny::LAKE);
    let files = tiny::generate(&tiny::sources(tiny::API, &lake, tiny::DOCUMENT).unwrap()).unwrap().files;
    let text = &files["lake.rs"];
    let from = text.find("name: \"Part\"").unwrap();
    let entity: Vec<_> = text[from..].lines().take(15).map(str::trim).collect();
    assert_eq!(
        entity,
        [
            "name: \"Part\",",
            "table: \"part\",",
            "path: \"/shop/widgets/{parentId}/parts\",",
            "count_path: Some(\"/shop/widgets/{parentId}/parts/count\"),",
            "bundle: None,",
            "key: \"id\",",
            "drains: None,",
            "load: Load::Children(Parent {",
            "entity: \"Widget\",",
            "property: Some(\"widget/id\"),",
            "conditions: Some(\"cycle = \\\"Slow\\\"\"),",
            "bundle: \"part\",",
            "runs: 7,",
            "}),",
            "columns: PART_COLUMNS,",
        ]
    );
}

#[test]
fn what_cannot_hang_is_refused() {
    let lake = |old: &str, new: &str| {
        assert!(PART.contains(old), "{old}");
        tiny::complaint(tiny::API, &format!("{}{}", tiny::LAKE, PART.replace(old, new)), tiny::DOCUMENT)
    };
    let parent = "parent = { entity = \"Widget\", property = \"widget/id\", conditions = 'cycle = \"Slow\"' }";
    let text = [
        lake(parent, ""),
        lake("load = \"children\"", "load = \"snapshot\""),
        lake(&format!("load = \"children\"\n{parent}"), "load = \"snapshot\""),
        lake("entity = \"Widget\"", "entity = \"Gadget\""),
        lake("entity = \"Widget\"", "entity = \"Part\""),
        lake("widget/id", "gadget/id"),
        lake(" }", ", runs = 0 }"),
        lake(" }", ", often = 1 }"),
        lake("/shop/widgets/{parentId}/parts", "/shop/archive/parts"),
    ];
    insta::assert_snapshot!(text.join("\n"));
}
