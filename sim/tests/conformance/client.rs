//! A plain HTTP client, and the answers it gets.

use connectwise_sim::Simulator;
use reqwest::header::HeaderMap;
use serde_json::Value;

/// Entity and list path of everything that is served.
pub(crate) const ENTITIES: [(&str, &str); 8] = [
    ("TimeEntry", "/time/entries"),
    ("Agreement", "/finance/agreements"),
    ("Company", "/company/companies"),
    ("ExpenseEntry", "/expense/entries"),
    ("ProductItem", "/procurement/products"),
    ("Invoice", "/finance/invoices"),
    ("Member", "/system/members"),
    ("UnpostedInvoice", "/finance/accounting/unpostedinvoices"),
];

pub(crate) struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) simulator: Simulator,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) async fn of(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn rows(&self) -> Vec<Value> {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json().as_array().unwrap().clone()
    }

    pub(crate) fn ids(&self) -> Vec<i64> {
        ids(&self.rows())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The address of a relation of the `Link` header.
    pub(crate) fn link(&self, relation: &str) -> Option<String> {
        self.header("link")?.split(", ").find_map(|link| {
            let (address, rest) = link.strip_prefix('<')?.split_once('>')?;
            (rest == format!("; rel=\"{relation}\"")).then(|| address.to_owned())
        })
    }
}

pub(crate) fn ids(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

impl Client {
    pub(crate) async fn start(scale: u64) -> Self {
        Self::around(Simulator::builder().seed(11).scale(scale).start().await.unwrap())
    }

    pub(crate) fn around(simulator: Simulator) -> Self {
        Self { http: reqwest::Client::new(), simulator }
    }

    /// A request with everything that the API asks for.
    pub(crate) fn request(&self, path: &str, query: &[(&str, &str)]) -> reqwest::RequestBuilder {
        self.http
            .get(format!("{}{path}", self.simulator.base_url()))
            .query(query)
            .basic_auth("simco+public", Some("private"))
            .header("clientId", "00000000-0000-4000-8000-000000000001")
    }

    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> Answer {
        Answer::of(self.request(path, query).send().await.unwrap()).await
    }

    pub(crate) async fn forward(&self, path: &str, query: &[(&str, &str)]) -> Answer {
        Answer::of(self.request(path, query).header("pagination-type", "forward-only").send().await.unwrap()).await
    }

    /// One of the simulator's own routes.
    pub(crate) async fn own(&self, path: &str) -> Answer {
        Answer::of(self.http.get(format!("{}/_sim{path}", self.simulator.url())).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        let request = self.http.post(format!("{}/_sim{path}", self.simulator.url())).body(body.to_owned());
        Answer::of(request.send().await.unwrap()).await
    }

    pub(crate) async fn own_delete(&self, path: &str) {
        let request = self.http.delete(format!("{}/_sim{path}", self.simulator.url()));
        assert_eq!(request.send().await.unwrap().status(), 200);
    }

    pub(crate) async fn truth(&self, entity: &str) -> Vec<Value> {
        self.own(&format!("/truth/{entity}")).await.rows()
    }
}
