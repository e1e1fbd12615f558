//! The checks that count and spend nothing.

use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::{Finding, Grant, Step, is_expired, words};
use crate::network;
use crate::permission::Expression;
use crate::verdict::{Code, Request, Subject};

/// All of them, in their order.
pub(super) fn findings(subject: &Subject, request: &Request, grants: &[Grant]) -> [Finding; 5] {
    [
        api(subject),
        enabled(subject),
        expires(subject, request),
        ip(subject, request),
        permissions(subject, request, grants),
    ]
}

fn api(subject: &Subject) -> Finding {
    let message = if subject.api_enabled {
        "The API is enabled."
    } else {
        "The API is disabled, so all its keys are refused."
    };
    Finding::new(Step::Api, message)
        .refused_if(!subject.api_enabled, Code::Forbidden)
        .details(json!({"enabled": subject.api_enabled}))
}

fn enabled(subject: &Subject) -> Finding {
    let message = if subject.enabled { "The key is enabled." } else { "The key is disabled." };
    Finding::new(Step::Enabled, message)
        .refused_if(!subject.enabled, Code::Disabled)
        .details(json!({"enabled": subject.enabled}))
}

fn expires(subject: &Subject, request: &Request) -> Finding {
    let Some(at) = subject.expires else { return Finding::new(Step::Expires, "The key never expires.") };
    let is_over = is_expired(subject.expires, request.now);
    let verb = if is_over { "expired" } else { "expires" };
    Finding::new(Step::Expires, format!("The key {verb} at {}.", words::instant(at)))
        .refused_if(is_over, Code::Expired)
        .details(json!({"expires": at}))
}

fn ip(subject: &Subject, request: &Request) -> Finding {
    let owners = ["API", "key"].into_iter().zip(subject.allowlists);
    let lists: Vec<(&str, &[IpNet])> = owners.filter(|(_, list)| !list.is_empty()).collect();
    if lists.is_empty() {
        return Finding::new(Step::Ip, "Neither the API nor the key has an allow-list.");
    }
    let messages: Vec<String> = lists.iter().map(|(owner, list)| listed(owner, list, request.ip)).collect();
    let entries = |(owner, list): &(&str, &[IpNet])| {
        let entry = request.ip.and_then(|address| network::entry(list, address));
        json!({"owner": owner.to_lowercase(), "networks": list.len(), "entry": entry.map(IpNet::to_string)})
    };
    let details = json!({"ip": request.ip, "ipWhitelists": lists.iter().map(entries).collect::<Value>()});
    let refused = !lists.iter().all(|(_, list)| network::allows(list, request.ip));
    let address = request.ip.map_or_else(
        || "No address was given, so it".to_owned(),
        |address| address.to_canonical().to_string(),
    );
    Finding::new(Step::Ip, format!("{address} is {}.", messages.join(" and ")))
        .refused_if(refused, Code::Forbidden)
        .details(details)
}

fn listed(owner: &str, list: &[IpNet], address: Option<IpAddr>) -> String {
    match address.and_then(|address| network::entry(list, address)) {
        Some(entry) => format!("let in by {entry} on the {owner}'s allow-list"),
        None => format!("not on the {owner}'s allow-list of {}", words::count(list.len(), "network")),
    }
}

fn permissions(subject: &Subject, request: &Request, grants: &[Grant]) -> Finding {
    let Some(query) = request.permissions else {
        return Finding::new(Step::Permissions, "No permission is asked for.");
    };
    let query = match Expression::parse(query) {
        Ok(query) => query,
        Err(mistake) => return Finding::mistaken(Step::Permissions, mistake),
    };
    let holds = |slug: &str| subject.permissions.iter().any(|held| held == slug);
    let mut slugs: Vec<&str> = query.permissions().collect();
    slugs.sort_unstable();
    slugs.dedup();
    let asked: Vec<Asked> = slugs.into_iter().map(|slug| Asked::of(slug, holds(slug), grants)).collect();
    let sentences: Vec<String> = asked.iter().map(Asked::to_string).collect();
    let details = asked.iter().map(Asked::details).collect::<Value>();
    Finding::new(Step::Permissions, format!("{query}: {}.", words::few(&sentences)))
        .refused_if(!query.evaluate(holds), Code::InsufficientPermissions)
        .details(json!({"query": query.to_string(), "permissions": details}))
}

/// A permission of the query.
struct Asked<'a> {
    slug: &'a str,
    is_held: bool,
    grant: Option<&'a Grant>,
}

impl<'a> Asked<'a> {
    fn of(slug: &'a str, is_held: bool, grants: &'a [Grant]) -> Self {
        Self { slug, is_held, grant: grants.iter().find(|grant| is_held && grant.slug == slug) }
    }

    fn roles(&self) -> &[String] {
        self.grant.map_or(&[], |grant| &grant.roles)
    }

    fn is_direct(&self) -> bool {
        self.grant.is_some_and(|grant| grant.direct)
    }

    fn details(&self) -> Value {
        json!({"slug": self.slug, "held": self.is_held, "direct": self.is_direct(), "roles": self.roles()})
    }
}

impl std::fmt::Display for Asked<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.is_held {
            return write!(f, "{} is missing", self.slug);
        }
        write!(f, "{} is held", self.slug)?;
        let roles = words::few(self.roles());
        match (self.is_direct(), self.roles()) {
            (direct, [_, ..]) => write!(f, "{} by role {roles}", if direct { " directly and" } else { "" }),
            (true, []) => write!(f, " directly"),
            (false, []) => Ok(()),
        }
    }
}
