//! What those functions return that depend on where they are used.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, sync::Arc};

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Known, Noted, TENANT, Target, stand_ins};
use crate::{expression::Scope, look::Look};

/// A template while it is deployed.
#[derive(Clone)]
pub(super) struct Frame<'a> {
    template: &'a Value,
    pub(super) target: &'a Target,
    pub(super) noted: &'a RefCell<Noted>,
    pub(super) parameters: Rc<Map<String, Value>>,
    /// `None` while a variable is worked out.
    variables: Rc<RefCell<BTreeMap<String, Option<Value>>>>,
    /// Ids of all resources of this template by id and name, and whether they are made.
    pub(super) declared: Rc<BTreeMap<String, (String, bool)>>,
    /// What can be read, by id; nothing before resources are made.
    pub(super) known: Option<Rc<Known>>,
    loops: Vec<(String, u64)>,
}

impl<'a> Frame<'a> {
    pub(super) fn new(template: &'a Value, target: &'a Target, noted: &'a RefCell<Noted>) -> Self {
        Self {
            template,
            target,
            noted,
            parameters: Rc::default(),
            variables: Rc::default(),
            declared: Rc::default(),
            known: None,
            loops: Vec::new(),
        }
    }

    /// The same in a turn of a loop.
    pub(super) fn at_index(&self, name: &str, index: u64) -> Self {
        let mut frame = self.clone();
        frame.loops.push((name.to_owned(), index));
        frame
    }

    /// All of them, since the service does so too.
    pub(super) fn read_variables(&self) -> Result<(), String> {
        let all = &self.template["variables"];
        let loops = all["copy"].items();
        let plain = all.as_object().into_iter().flat_map(Map::keys);
        let plain = plain.map(String::as_str).filter(|name| *name != "copy");
        for name in plain.chain(loops.filter_map(|each| each["name"].as_str())) {
            self.variable(name)?;
        }
        Ok(())
    }

    fn variable(&self, name: &str) -> Result<Value, String> {
        match self.variables.borrow().get(name) {
            Some(Some(value)) => return Ok(value.clone()),
            Some(None) => return Err(format!("the variable {name} needs itself")),
            None => {}
        }
        let all = &self.template["variables"];
        let mut loops = all["copy"].items();
        let repeated = loops.find(|each| each["name"] == name);
        if all.get(name).is_none() && repeated.is_none() {
            return Err(format!("there is no variable {name}"));
        }
        self.variables.borrow_mut().insert(name.to_owned(), None);
        // Variables are worked out before anything is made, wherever they are named.
        let early = Self {
            known: None,
            ..self.clone()
        };
        let at = format!("variables.{name}");
        let value = match repeated {
            Some(each) => early.repeated(each, &at)?.1,
            None => early.value(&all[name], &at)?,
        };
        self.variables
            .borrow_mut()
            .insert(name.to_owned(), Some(value.clone()));
        Ok(value)
    }

    /// The whole of a resource that is there by now.
    fn read(
        &self,
        function: &str,
        wanted: &str,
        version: Option<&str>,
    ) -> Result<Arc<Value>, String> {
        let known = self.known.as_ref().ok_or_else(|| {
            format!("{function}() has no answer yet; it may stand in properties and outputs only")
        })?;
        let (id, is_made) = match self.declared.get(wanted) {
            Some((id, is_made)) => (id.as_str(), Some(*is_made)),
            None => (wanted, None),
        };
        let found = known.get(id);
        if let (Some(value), Some(version)) = (found, version) {
            let kind = format!("{}@{version}", value["type"].text());
            self.noted.borrow_mut().reads.insert(kind);
        }
        match (found, is_made) {
            (Some(value), Some(_)) => Ok(value.clone()),
            (Some(value), None) if version.is_some() => Ok(value.clone()),
            (Some(_), None) => Err(format!(
                "{function}() of what this template does not make needs an API version: {id}"
            )),
            (None, Some(true)) => Err(format!("reads {id} without waiting for it")),
            (None, Some(false)) => Err(format!("reads {id}, which is not made here")),
            (None, None) => Err(format!("reads {id}, which nobody makes")),
        }
    }

    fn copy_index(&self, name: Option<&str>) -> Result<Value, String> {
        let mut loops = self.loops.iter().rev();
        let found = match name {
            Some(name) => loops.find(|(of, _)| of == name),
            None => loops.next(),
        };
        found
            .map(|(_, index)| (*index).into())
            .ok_or_else(|| "copyIndex() stands in no such loop".to_owned())
    }
}

impl Scope for Frame<'_> {
    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, String>> {
        let texts: Option<Vec<&str>> = arguments.iter().map(Value::as_str).collect();
        let target = self.target;
        let subscription = format!("/subscriptions/{}", target.subscription);
        Some(match (name, texts?.as_slice()) {
            ("parameters", [name]) => self
                .parameters
                .get(*name)
                .cloned()
                .ok_or_else(|| format!("there is no parameter {name}")),
            ("variables", [name]) => self.variable(name),
            ("copyIndex", []) => self.copy_index(None),
            ("copyIndex", [name]) => self.copy_index(Some(name)),
            ("environment", []) => Ok(target.cloud.environment()),
            ("deployment", []) => Ok(json!({ "name": "mimecast-ttp" })),
            ("tenant", []) => Ok(json!({ "tenantId": TENANT })),
            ("subscription", []) => Ok(json!({
                "id": subscription, "subscriptionId": target.subscription, "tenantId": TENANT
            })),
            ("resourceGroup", []) => Ok(json!({
                "id": target.id(), "name": target.group, "location": target.location
            })),
            ("resourceId", parts) => resource_id(target, parts),
            ("subscriptionResourceId", [of, names @ ..]) => path(&subscription, of, names),
            ("extensionResourceId", [base, of, names @ ..]) => path(base, of, names),
            ("reference", [of]) => self
                .read(name, of, None)
                .map(|full| full["properties"].clone()),
            ("reference", [of, version]) => self
                .read(name, of, Some(version))
                .map(|full| full["properties"].clone()),
            ("reference", [of, version, "Full"]) => self
                .read(name, of, Some(version))
                .map(|full| Value::clone(&full)),
            ("listKeys", [of, version]) => self.read(name, of, Some(version)).and_then(|full| {
                let keys = stand_ins::keys(of, &full)?;
                let all = keys.1.iter().cloned();
                self.noted.borrow_mut().secrets.extend(all);
                Ok(keys.0)
            }),
            _ => return None,
        })
    }
}

/// `[subscription], [group], type, name...`
fn resource_id(target: &Target, parts: &[&str]) -> Result<Value, String> {
    let of = parts.iter().position(|part| part.contains('/'));
    let (before, rest) = parts.split_at(of.unwrap_or(parts.len()));
    let base = match before {
        [] => target.id(),
        [group] => format!(
            "/subscriptions/{}/resourceGroups/{group}",
            target.subscription
        ),
        [subscription, _] if Uuid::try_parse(subscription).is_err() => {
            return Err(format!("{subscription} is no id of a subscription"));
        }
        [subscription, group] => format!("/subscriptions/{subscription}/resourceGroups/{group}"),
        _ => return Err(format!("no type of a resource among {parts:?}")),
    };
    match rest {
        [of, names @ ..] => path(&base, of, names),
        [] => Err(format!("no type of a resource among {parts:?}")),
    }
}

/// `base/providers/Microsoft.Storage/storageAccounts/name/blobServices/default`
pub(super) fn path(base: &str, of: &str, names: &[&str]) -> Result<Value, String> {
    let (namespace, types) = of.split_once('/').unwrap_or((of, ""));
    let types: Vec<&str> = types.split('/').collect();
    let is_name = |name: &&str| !name.is_empty() && !name.contains('/');
    if types.len() != names.len() || !names.iter().all(is_name) {
        return Err(format!("{of} does not fit the names {names:?}"));
    }
    let steps = types.iter().zip(names);
    let path = steps.fold(
        format!("{base}/providers/{namespace}"),
        |path, (of, name)| path + "/" + of + "/" + name,
    );
    Ok(path.into())
}
