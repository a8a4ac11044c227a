//! `negatoscope user`: accounts of the store and what they may do.

use super::{
    Common, Exit, Output,
    store::{open, report, upkeep::new_passphrase},
};
use crate::{
    model::access::{Right, Role},
    store::{KdfCost, Store, StoreError},
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

/// Arguments of `user`.
#[derive(Debug, Args)]
pub struct UserArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: UserAction,
}

/// What `user` does.
#[derive(Debug, Subcommand)]
pub enum UserAction {
    /// Add an account under its own passphrase
    Add(AddArgs),
    /// All accounts
    List,
    /// Give an account another role
    Role(RoleArgs),
    /// Remove an account
    Remove(NameArgs),
    /// Change a passphrase: the own one, or with the right for it that of somebody else
    Passwd(PasswdArgs),
    /// Take back what all computers remember for an account
    Forget(NameArgs),
    /// Say whether a role may do something; without an action all that it may
    Can(CanArgs),
}

/// Arguments of `user add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// Name
    pub name: String,
    /// viewer, annotator, reader or admin
    #[arg(long, value_parser = parse_role)]
    pub role: Role,
    /// File descriptor to read the passphrase of the account from
    #[arg(long, value_name = "N")]
    pub new_passphrase_fd: i32,
}

/// Arguments of `user role`.
#[derive(Debug, Args)]
pub struct RoleArgs {
    /// Name
    pub name: String,
    /// viewer, annotator, reader or admin
    #[arg(value_parser = parse_role)]
    pub role: Role,
}

/// One account.
#[derive(Debug, Args)]
pub struct NameArgs {
    /// Name
    pub name: String,
}

/// Arguments of `user passwd`.
#[derive(Debug, Args)]
pub struct PasswdArgs {
    /// Name (default: who opens the store)
    pub name: Option<String>,
    /// File descriptor to read the new passphrase from
    #[arg(long, value_name = "N")]
    pub new_passphrase_fd: i32,
}

/// Arguments of `user can`.
#[derive(Debug, Args)]
pub struct CanArgs {
    /// viewer, annotator, reader or admin
    #[arg(value_parser = parse_role)]
    pub role: Role,
    /// An action
    #[arg(value_parser = parse_right)]
    pub right: Option<Right>,
}

fn parse_role(word: &str) -> Result<Role, String> {
    let names = Role::ALL.map(Role::name).join(", ");
    Role::named(word).ok_or_else(|| format!("a role is one of {names}"))
}

fn parse_right(word: &str) -> Result<Right, String> {
    let names = Right::ALL.map(Right::name).join(", ");
    Right::named(word).ok_or_else(|| format!("an action is one of {names}"))
}

/// Runs `user`.
pub fn run(args: &UserArgs, common: &Common, out: &mut Output) -> Exit {
    let outcome = match &args.action {
        UserAction::Can(args) => Ok(can(args, common, out)),
        UserAction::List => list(common, out),
        UserAction::Add(args) => change(
            common,
            out,
            Some(args.new_passphrase_fd),
            |store, pass, cost| {
                let pass = pass.ok_or(StoreError::InvalidAccount("the passphrase is empty"))?;
                store.add_account(&args.name, args.role, pass, cost)
            },
        ),
        UserAction::Role(args) => change(common, out, None, |store, _, _| {
            store.set_role(&args.name, args.role)
        }),
        UserAction::Remove(args) => change(common, out, None, |store, _, _| {
            store.remove_account(&args.name)
        }),
        UserAction::Forget(args) => change(common, out, None, |store, _, _| {
            store.forget_everywhere(&args.name).map(drop)
        }),
        UserAction::Passwd(args) => change(
            common,
            out,
            Some(args.new_passphrase_fd),
            |store, pass, cost| {
                let pass = pass.ok_or(StoreError::InvalidAccount("the passphrase is empty"))?;
                let name = args.name.clone().unwrap_or_else(|| store.user().to_owned());
                store.set_passphrase(&name, pass, cost)
            },
        ),
    };
    outcome.unwrap_or_else(|exit| exit)
}

/// Changes something about accounts; a new passphrase costs as much to try as the owner's.
fn change(
    common: &Common,
    out: &mut Output,
    new_passphrase_fd: Option<i32>,
    change: impl FnOnce(
        &mut Store,
        Option<&crate::store::Passphrase>,
        KdfCost,
    ) -> Result<(), StoreError>,
) -> Result<Exit, Exit> {
    let mut store = open(common, out)?;
    let new = match new_passphrase_fd {
        Some(number) => Some(new_passphrase(number, out)?),
        None => None,
    };
    let cost = Store::key_status(store.dir()).map_or(KdfCost::default(), |status| status.cost);
    change(&mut store, new.as_ref(), cost).map_err(|error| report(&error, out))?;
    if common.json {
        out.json(&json!({"done": true}));
    }
    Ok(Exit::Done)
}

fn list(common: &Common, out: &mut Output) -> Result<Exit, Exit> {
    let store = open(common, out)?;
    let accounts = store.accounts().map_err(|error| report(&error, out))?;
    let remembered: Vec<usize> = accounts
        .iter()
        .map(|account| store.remembered_for(&account.name))
        .collect::<Result<_, _>>()
        .map_err(|error| report(&error, out))?;
    if common.json {
        let accounts: Vec<Value> = accounts
            .iter()
            .zip(&remembered)
            .map(|(a, computers)| {
                json!({"name": a.name, "role": a.role.name(), "created": a.created,
                    "has_key": a.has_key, "remembered_on": computers})
            })
            .collect();
        out.json(&accounts);
        return Ok(Exit::Done);
    }
    for (account, computers) in accounts.iter().zip(remembered) {
        let note = match (account.has_key, computers) {
            (false, _) => "  needs a new passphrase".to_owned(),
            (true, 0) => String::new(),
            (true, n) => format!("  remembered on computers: {n}"),
        };
        out.line(format!("{:10} {}{note}", account.role.name(), account.name));
    }
    Ok(Exit::Done)
}

fn can(args: &CanArgs, common: &Common, out: &mut Output) -> Exit {
    let Some(right) = args.right else {
        let rights: Vec<&str> = Right::ALL
            .into_iter()
            .filter(|right| args.role.may(*right))
            .map(Right::name)
            .collect();
        if common.json {
            out.json(&rights);
        } else {
            rights.iter().for_each(|right| out.line(right));
        }
        return Exit::Done;
    };
    let may = args.role.may(right);
    if common.json {
        out.json(&json!({"may": may}));
    } else {
        out.line(if may { "yes" } else { "no" });
    }
    match may {
        true => Exit::Done,
        false => Exit::Denied,
    }
}
