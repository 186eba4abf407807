//! What the generator says about documents and configurations that it cannot take.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod tiny;

#[test]
fn complaints_name_the_operation_and_the_place() {
    let text = [
        tiny::with(r#""enum": ["2Weeks""#, r#""enum": [7"#),
        tiny::with(r#""type": "array", "items": {"type": "string"}"#, r#""type": "array""#),
        tiny::with(
            r##""owner": {"$ref": "#/components/schemas/OwnerReference""##,
            r##""owner": {"$ref": "#/components/schemas/Gone""##,
        ),
        tiny::with(r#""type": "integer"}"#, r#""type": "file"}"#),
        tiny::with(r#""unitCost""#, r#""unit_cost": {"type": "string"}, "unitCost""#),
        tiny::with(r#""operationId": "getShopWidgets","#, r#""operationId": 7,"#),
        tiny::with(r##""items": {"$ref": "#/components/schemas/Widget"}"##, r#""items": {"$ref": 7}"#),
        tiny::with(r#""required": true, "content": {"application/json""#, r#""content": 7, "c": {"application/json""#),
        tiny::with(r#""unitCost""#, r#""extra""#),
        tiny::with("3.0.1", "2.0"),
        tiny::with(r#""version": "1.0""#, r#""version": "../1""#),
        b"{".to_vec(),
    ]
    .map(|document| tiny::complaint(tiny::API, &tiny::LAKE.replace("\"*Cost\", ", ""), &document))
    .join("\n");
    insta::assert_snapshot!(text);
}

/// What `openapiv3` refuses, and what it drops without a word.
#[test]
fn what_is_no_openapi_is_refused_where_it_stands() {
    let widgets = r##"{"$ref": "#/components/schemas/Widget"}"##;
    let text = [
        tiny::with(r#""name": "parentId", "in": "path""#, r#""name": "parentId""#),
        tiny::with(r#""name": "parentId", "in": "path""#, r#""name": "parentId", "in": "body""#),
        tiny::with(r#""schema": {"type": "integer", "format": "int32"}}, {"$ref""#, r#""x-schema": 1}, {"$ref""#),
        tiny::with(r#""nullable": true"#, r#""nullable": "yes""#),
        tiny::with(r#""type": "string", "maxLength": 50"#, r#""type": "string", "maxLength": -50"#),
        tiny::with(r#""type": "string", "maxLength": 50"#, r#""type": "strin", "maxLength": 50"#),
        tiny::with(widgets, r##"{"$ref": "#/components/parameters/page"}"##),
        tiny::with(widgets, r##"{"$ref": "elsewhere.json#/Widget"}"##),
        tiny::with(
            r##"{"$ref": "#/components/parameters/conditions"}"##,
            r##"{"$ref": "#/components/parameters/gone"}"##,
        ),
        tiny::with(r#""200": {"description""#, r#""fine": {"description""#),
        tiny::with(r#""200": {"description": "OK", "#, r#""200": {"#),
        tiny::with(r#""x-create-only": true"#, r#""x-create-only": "yes""#),
        tiny::with(r#""/shop/widgets": {"#, r#""shop/widgets": {"#),
        tiny::with(r#""operationId": "getShopWidgets","#, ""),
        tiny::with(r#""title": ""#, r#""titel": ""#),
    ]
    .map(|document| tiny::complaint(tiny::API, tiny::LAKE, &document))
    .join("\n");
    insta::assert_snapshot!(text);
}

#[test]
fn complaints_about_the_configuration() {
    let lake = |old: &str, new: &str| {
        assert!(tiny::LAKE.contains(old));
        tiny::complaint(tiny::API, &tiny::LAKE.replace(old, new), tiny::DOCUMENT)
    };
    let api = |old: &str, new: &str| {
        assert!(tiny::API.contains(old));
        tiny::complaint(&tiny::API.replace(old, new), tiny::LAKE, tiny::DOCUMENT)
    };
    let text = [
        lake("\"*Cost\"", "\"*Price\""),
        lake("dates = [\"boughtOn\"]", "dates = [\"boughtAt\"]"),
        lake("dates = [\"boughtOn\"]", "dates = [\"owner\"]"),
        lake("dates = [\"boughtOn\"]", "dates = [\"bought*\"]\ninstants = [\"boughtOn\"]"),
        lake("windows = { boughtOn = 30 }", "windows = { soldOn = 30 }"),
        lake("path = \"/shop/widgets\"", "path = \"/shop/gadgets\""),
        lake("path = \"/shop/widgets\"", "path = \"/shop/widgets/count\""),
        lake("load = \"incremental\"", "load = \"incremental\"\nkey = \"recId\""),
        lake("load = \"incremental\"", "load = \"sometimes\""),
        lake("load = \"incremental\"", "load = \"incremental\"\ncolour = 1"),
        lake("[shared]", "[[entity]]\nname = \"Widget\"\npath = \"/shop/widgets\"\nload = \"snapshot\"\n[shared]"),
        api("secrets = [\"password\"]", "secrets = [\"pass*\", \"pin\"]"),
        api("shop = \"shop\"", "market = \"market\""),
        api("Part = \"a thing", "Gear = \"a thing"),
    ]
    .join("\n");
    insta::assert_snapshot!(text);
}
