//! Every operation of the document, and what it is answered with.

use serde_json::Value;

use crate::client::{Answer, Client};

#[tokio::test]
async fn an_operation_is_answered_or_listed_with_the_reason_why_it_is_not() {
    let client = Client::start(60).await;
    let unsupported: Vec<Value> = client.own("/unsupported").await.rows();
    let listed = |method: &str, path: &str| {
        let path = path.trim_end_matches('/');
        let same = |row: &&Value| row["method"] == method && row["path"].as_str().unwrap().eq_ignore_ascii_case(path);
        unsupported.iter().any(|row| same(&row))
    };
    assert!(unsupported.iter().all(|row| row["reason"].as_str().is_some_and(|reason| reason.len() > 20)));
    let document = connectwise_openapi::DOCUMENT;
    let document: Value = serde_json::from_str(document).unwrap();
    let (mut asked, mut refused) = (0, 0);
    for (path, operations) in document["paths"].as_object().unwrap() {
        // A parameter that is glued to a name is a slip of the document.
        if path
            .split('/')
            .any(|step| step.contains('{') && !(step.starts_with('{') && step.find('}') == Some(step.len() - 1)))
        {
            continue;
        }
        let filled: String =
            path.split('/').map(|step| if step.starts_with('{') { "1" } else { step }).collect::<Vec<_>>().join("/");
        for method in operations.as_object().unwrap().keys() {
            let Some(method) = ["get", "post", "put", "patch", "delete"].into_iter().find(|known| known == method)
            else {
                continue;
            };
            let method = method.to_uppercase();
            let url = format!("{}{filled}", client.simulator.base_url());
            let request = client.http.request(method.parse().unwrap(), url).body("{}");
            let request = request.basic_auth("simco+public", Some("private")).header("clientId", "x");
            let answer = Answer::of(request.send().await.unwrap()).await;
            assert_eq!(
                answer.status == 501,
                listed(&method, path),
                "{method} {path}: {} {}",
                answer.status,
                answer.text
            );
            assert!(answer.status < 500 || answer.status == 501, "{method} {path}: {}", answer.text);
            (asked, refused) = (asked + 1, refused + usize::from(answer.status == 501));
        }
    }
    assert!(asked > 3_000 && refused < 120, "{refused} of {asked}");
}

#[tokio::test]
async fn mine_are_the_rows_of_the_member_whose_key_it_is() {
    let client = Client::start(300).await;
    let entries = client.truth("TimeEntry").await;
    let told = client.post("/role", r#"{"role":"mine"}"#).await.json();
    let member = &told["member"];
    let expected: Vec<&Value> = entries.iter().filter(|row| row["member"]["id"] == *member).collect();
    assert!(!expected.is_empty() && expected.len() < entries.len());
    let mine = client.get("/time/entries", &[("pageSize", "1000")]).await.rows();
    assert_eq!(mine.iter().collect::<Vec<_>>(), expected);
    assert_eq!(client.get("/time/entries/count", &[]).await.json()["count"], expected.len());
    let other = entries.iter().find(|row| row["member"]["id"] != *member).unwrap();
    assert_eq!(client.get(&format!("/time/entries/{}", other["id"]), &[]).await.status, 404);
    assert_eq!(client.get("/system/members", &[]).await.ids(), [member.as_i64().unwrap()]);
    // Who names nobody is seen by location; set-up tables are everybody's.
    let companies = client.get("/company/companies/count", &[]).await.json()["count"].as_u64().unwrap();
    assert!(companies < client.truth("Company").await.len() as u64);
    assert_eq!(client.get("/time/workRoles", &[]).await.rows().len(), 5);
}

/// `UNSUPPORTED.md` is what `GET /_sim/unsupported` says, for people to read.
#[tokio::test]
async fn the_page_of_what_is_not_simulated_is_what_the_simulator_says() {
    let client = Client::start(10).await;
    let mut page =
        "# What the simulator doesn't do\n\nThese operations of the interface document are answered with 501. `GET \
                    /_sim/unsupported` tells the same.\n\n| operation | why |\n|---|---|\n"
            .to_owned();
    for row in client.own("/unsupported").await.rows() {
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        page.push_str(&format!("| `{} {}` | {} |\n", text("method"), text("path"), text("reason")));
    }
    assert_eq!(include_str!("../../UNSUPPORTED.md"), page);
}
