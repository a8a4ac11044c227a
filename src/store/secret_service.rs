//! A client of the Secret Service of freedesktop.org, as far as remembering a key needs it: one item under attributes,
//! made, read, removed (Secret Service API 0.2, <https://specifications.freedesktop.org/secret-service/>).
//!
//! The session is `plain`: the secret goes over the message bus of the user, which is a socket that only the user's own
//! processes reach; whoever could listen there could ask the service as well.
//!
//! Must stay true: every call ends after a while, also when nobody answers.

use super::remember::SecretsError;
use std::{
    collections::HashMap,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Wake},
    thread::{self, Thread},
    time::{Duration, Instant},
};
use zbus::{
    Connection, MatchRule, Message, MessageStream,
    connection::Builder,
    export::{futures_core::Stream as _, serde::Serialize},
    message::Type,
    zvariant::{DynamicType, OwnedObjectPath, OwnedValue, Value},
};
use zeroize::Zeroizing;

const NAME: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const ITEM: &str = "org.freedesktop.Secret.Item";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
/// The path that stands for none.
const NOWHERE: &str = "/";

/// How long a service may take for an answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a human may take to unlock it.
const HUMAN: Duration = Duration::from_secs(180);

/// Session, parameters of its cipher, the secret, its type.
type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// Why a call did not do what it should.
enum Failure {
    Bus(zbus::Error),
    /// A human said no.
    Dismissed,
    /// There is nowhere to put anything.
    NoCollection,
}

impl From<zbus::Error> for Failure {
    fn from(error: zbus::Error) -> Self {
        Self::Bus(error)
    }
}

impl From<Failure> for SecretsError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Dismissed => Self::Locked,
            Failure::NoCollection => Self::Unreachable,
            Failure::Bus(zbus::Error::MethodError(name, ..)) => match name.as_str() {
                "org.freedesktop.Secret.Error.IsLocked" => Self::Locked,
                name if name.starts_with("org.freedesktop.DBus.Error.") => Self::Unreachable,
                _ => Self::Refused,
            },
            Failure::Bus(_) => Self::Unreachable,
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for an answer on this thread.
fn wait<T>(answer: impl Future<Output = Result<T, Failure>>) -> Result<T, SecretsError> {
    let mut answer = pin!(answer);
    let waker = Arc::new(Unpark(thread::current())).into();
    let mut context = Context::from_waker(&waker);
    let end = Instant::now() + HUMAN;
    loop {
        if let Poll::Ready(answer) = answer.as_mut().poll(&mut context) {
            return Ok(answer?);
        }
        let left = end.checked_duration_since(Instant::now());
        thread::park_timeout(left.ok_or(SecretsError::Unreachable)?);
    }
}

struct Service {
    bus: Connection,
    session: OwnedObjectPath,
}

impl Service {
    async fn open() -> Result<Self, Failure> {
        let bus = Builder::session()?.method_timeout(ANSWER).build().await?;
        let plain = ("plain", Value::from(""));
        let answer = bus
            .call_method(Some(NAME), PATH, Some(SERVICE), "OpenSession", &plain)
            .await?;
        let (_, session): (OwnedValue, OwnedObjectPath) = answer.body().deserialize()?;
        Ok(Self { bus, session })
    }

    async fn call<B: Serialize + DynamicType>(
        &self,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Result<Message, Failure> {
        let call = self
            .bus
            .call_method(Some(NAME), path, Some(interface), method, body);
        Ok(call.await?)
    }

    /// Lets the service ask a human, where it wants to.
    async fn prompt(&self, prompt: &OwnedObjectPath) -> Result<(), Failure> {
        if prompt.as_str() == NOWHERE {
            return Ok(());
        }
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .interface(PROMPT)?
            .member("Completed")?
            .path(prompt.clone())?
            .build();
        let mut answers = MessageStream::for_match_rule(rule, &self.bus, None).await?;
        self.call(prompt.as_str(), PROMPT, "Prompt", &"").await?;
        let answer = poll_fn(|context| Pin::new(&mut answers).poll_next(context)).await;
        let answer = answer.ok_or(Failure::Dismissed)??;
        let (dismissed, _): (bool, OwnedValue) = answer.body().deserialize()?;
        match dismissed {
            true => Err(Failure::Dismissed),
            false => Ok(()),
        }
    }

    async fn unlock(&self, objects: &Vec<OwnedObjectPath>) -> Result<(), Failure> {
        let answer = self.call(PATH, SERVICE, "Unlock", objects).await?;
        let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = answer.body().deserialize()?;
        self.prompt(&prompt).await
    }

    /// The items with these attributes, unlocked.
    async fn items(&self, of: &HashMap<&str, &str>) -> Result<Vec<OwnedObjectPath>, Failure> {
        let answer = self.call(PATH, SERVICE, "SearchItems", of).await?;
        let (mut items, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            answer.body().deserialize()?;
        if !locked.is_empty() {
            self.unlock(&locked).await?;
            items.extend(locked);
        }
        Ok(items)
    }
}

/// Keeps a secret under attributes; what was there is replaced.
///
/// # Errors
/// When there is no service, or it refuses.
pub(super) fn put(
    label: &str,
    attributes: &HashMap<&str, &str>,
    secret: &str,
) -> Result<(), SecretsError> {
    wait(async {
        let service = Service::open().await?;
        let answer = service.call(PATH, SERVICE, "ReadAlias", &"default").await?;
        let collection: OwnedObjectPath = answer.body().deserialize()?;
        if collection.as_str() == NOWHERE {
            return Err(Failure::NoCollection);
        }
        service.unlock(&vec![collection.clone()]).await?;
        let properties = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Value::from(label)),
            (
                "org.freedesktop.Secret.Item.Attributes",
                Value::new(attributes.clone()),
            ),
        ]);
        // KWallet keeps text alone.
        let secret = (
            &service.session,
            Vec::<u8>::new(),
            secret.as_bytes(),
            "text/plain",
        );
        let body = (properties, secret, true);
        let answer = service
            .call(collection.as_str(), COLLECTION, "CreateItem", &body)
            .await?;
        let (_, prompt): (OwnedObjectPath, OwnedObjectPath) = answer.body().deserialize()?;
        service.prompt(&prompt).await
    })
}

/// What is kept under attributes.
///
/// # Errors
/// As [`put`].
pub(super) fn get(
    attributes: &HashMap<&str, &str>,
) -> Result<Option<Zeroizing<String>>, SecretsError> {
    wait(async {
        let service = Service::open().await?;
        let items = service.items(attributes).await?;
        let Some(first) = items.first() else {
            return Ok(None);
        };
        let body = (vec![first], &service.session);
        let answer = service.call(PATH, SERVICE, "GetSecrets", &body).await?;
        let secrets: HashMap<OwnedObjectPath, Secret> = answer.body().deserialize()?;
        let bytes = secrets.into_values().next().map(|(_, _, bytes, _)| bytes);
        // What is no text is not ours.
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        Ok(text.map(Zeroizing::new))
    })
}

/// Removes what is kept under attributes.
///
/// # Errors
/// As [`put`].
pub(super) fn remove(attributes: &HashMap<&str, &str>) -> Result<(), SecretsError> {
    wait(async {
        let service = Service::open().await?;
        for item in service.items(attributes).await? {
            let answer = service.call(item.as_str(), ITEM, "Delete", &()).await?;
            let prompt: OwnedObjectPath = answer.body().deserialize()?;
            service.prompt(&prompt).await?;
        }
        Ok(())
    })
}
