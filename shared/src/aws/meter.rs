//! Counts what a request of a client uses of DynamoDB, without a request of its own: DynamoDB is asked to say with each
//! answer how many units it took.

use std::borrow::Cow;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::config::interceptors::{
    BeforeSerializationInterceptorContextMut, BeforeSerializationInterceptorContextRef,
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::operation::batch_write_item::{BatchWriteItemInput, BatchWriteItemOutput};
use aws_sdk_dynamodb::operation::get_item::{GetItemInput, GetItemOutput};
use aws_sdk_dynamodb::operation::put_item::{PutItemInput, PutItemOutput};
use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::operation::transact_write_items::{TransactWriteItemsInput, TransactWriteItemsOutput};
use aws_sdk_dynamodb::operation::update_item::{UpdateItemInput, UpdateItemOutput};
use aws_sdk_dynamodb::types::{ConsumedCapacity, ReturnConsumedCapacity};
use aws_smithy_runtime_api::client::interceptors::context::{Input, Output};
use aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint;
use serde::Deserialize;

use crate::signals::note;

/// Notes calls, requests, failures, units, and the time that they took.
#[derive(Debug)]
pub(super) struct Meter;

#[dyn_dispatch_hint]
impl Intercept for Meter {
    fn name(&self) -> &'static str {
        "Meter"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        note(|record| record.dynamodb.call_begins());
        Ok(())
    }

    fn modify_before_serialization(
        &self,
        context: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(setting) = return_consumed_capacity(context.input_mut()) {
            *setting = Some(ReturnConsumedCapacity::Total);
        }
        Ok(())
    }

    fn read_before_attempt(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        note(|record| record.dynamodb.request_begins());
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match context.output_or_error() {
            Some(Ok(output)) => {
                let (read, written) = units(output);
                note(|record| {
                    record.dynamodb.was_answered();
                    record.dynamodb.consumed(read, written);
                });
            }
            Some(Err(_)) | None => match context.response().map(Refusal::of) {
                Some(Refusal::Condition) => note(|record| record.dynamodb.was_answered()),
                Some(Refusal::Throttled) => note(|record| record.dynamodb.was_throttled()),
                Some(Refusal::Other) | None => {}
            },
        }
        Ok(())
    }

    fn read_after_execution(
        &self,
        _: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        note(|record| record.dynamodb.call_ends());
        Ok(())
    }
}

/// The setting by which a request asks for its units.
fn return_consumed_capacity(input: &mut Input) -> Option<&mut Option<ReturnConsumedCapacity>> {
    macro_rules! first_of {
        ($($request:ty),*) => {
            $(if input.downcast_ref::<$request>().is_some() {
                return input.downcast_mut::<$request>().map(|input| &mut input.return_consumed_capacity);
            })*
        };
    }
    first_of!(GetItemInput, QueryInput, UpdateItemInput, PutItemInput, TransactWriteItemsInput, BatchWriteItemInput);
    None
}

/// The read and the write units of an answer. Those of a `Query` are read with its items ([`super::query`]).
fn units(output: &Output) -> (f64, f64) {
    let total = |capacity: Option<&ConsumedCapacity>| capacity.and_then(|used| used.capacity_units).unwrap_or_default();
    if let Some(output) = output.downcast_ref::<GetItemOutput>() {
        (total(output.consumed_capacity()), 0.0)
    } else if let Some(output) = output.downcast_ref::<UpdateItemOutput>() {
        (0.0, total(output.consumed_capacity()))
    } else if let Some(output) = output.downcast_ref::<PutItemOutput>() {
        (0.0, total(output.consumed_capacity()))
    } else if let Some(output) = output.downcast_ref::<TransactWriteItemsOutput>() {
        (0.0, output.consumed_capacity().iter().map(|table| total(Some(table))).sum())
    } else if let Some(output) = output.downcast_ref::<BatchWriteItemOutput>() {
        (0.0, output.consumed_capacity().iter().map(|table| total(Some(table))).sum())
    } else {
        (0.0, 0.0)
    }
}

/// What an answer that is no success means for the meter.
enum Refusal {
    /// The request was in order, but its condition did not hold, or another write was under way.
    Condition,
    Throttled,
    Other,
}

impl Refusal {
    fn of(response: &HttpResponse) -> Self {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(rename = "__type", borrow)]
            kind: Cow<'a, str>,
            #[serde(rename = "CancellationReasons", default, borrow)]
            reasons: Vec<Reason<'a>>,
        }

        #[derive(Deserialize)]
        struct Reason<'a> {
            #[serde(rename = "Code", default, borrow)]
            code: Cow<'a, str>,
        }

        let body = response.body().bytes().unwrap_or_default();
        let Ok(Body { kind, reasons }) = serde_json::from_slice(body) else { return Self::Other };
        let code = kind.rsplit('#').next().unwrap_or_default();
        let mut codes = reasons.iter().map(|reason| reason.code.as_ref()).chain([code]);
        if codes.clone().any(is_throttling) {
            Self::Throttled
        } else if codes.all(is_condition) {
            Self::Condition
        } else {
            Self::Other
        }
    }
}

/// "Error handling" in DynamoDB's developer guide, and the reasons of `TransactionCanceledException`.
fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "ProvisionedThroughputExceededException"
            | "ProvisionedThroughputExceeded"
            | "RequestLimitExceeded"
            | "ThrottlingException"
            | "ThrottlingError"
    )
}

fn is_condition(code: &str) -> bool {
    matches!(
        code,
        "ConditionalCheckFailedException"
            | "ConditionalCheckFailed"
            | "TransactionCanceledException"
            | "TransactionConflict"
            | "None"
    )
}
