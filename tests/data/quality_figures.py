#!/usr/bin/env python3
# Counts in the made-up people of Synthea what `record quality` has to find there, without the program: the figures of
# quality_figures.json. Usage: quality_figures.py FOLDER_OF_BUNDLES > quality_figures.json
import collections
import json
import pathlib
import sys

ALIVE = {"Observation", "Condition", "MedicationRequest", "Procedure", "Immunization", "ImagingStudy"}
WHEN = ["effectiveDateTime", "effectivePeriod", "onsetDateTime", "performedDateTime", "performedPeriod",
        "occurrenceDateTime", "authoredOn", "started"]
COMPARED = {"Observation": "code", "Condition": "code", "MedicationRequest": "medicationCodeableConcept",
            "AllergyIntolerance": "code", "Procedure": "code", "Immunization": "vaccineCode", "DiagnosticReport": "code"}
# Units of the bundles that UCUM does not have; the others were looked up one by one.
NO_UNIT = {"(score)"}
# A rate that is per body surface by its code, and not by its unit.
NOT_OF_CODE = {("33914-3", "mL/min")}


def luhn(code):
    stem, _, check = code.partition("-")
    total = 0
    for place, digit in enumerate(reversed(stem)):
        number = int(digit) * (2 if place % 2 == 0 else 1)
        total += number // 10 + number % 10
    return check == str(-total % 10)


def verhoeff(code):
    multiply = [[(a + b) % 5 if a < 5 and b < 5 else
                 (a + b - 5) % 5 + 5 if a < 5 else
                 (a - b) % 5 + 5 if b < 5 else
                 (a - b) % 5 for b in range(10)] for a in range(10)]
    permute = [list(range(10))]
    for _ in range(7):
        permute.append([[1, 5, 7, 6, 2, 8, 3, 0, 9, 4][d] for d in permute[-1]])
    check = 0
    for place, digit in enumerate(reversed(code)):
        check = multiply[check][permute[place % 8][int(digit)]]
    return check == 0


def start(value):
    return value.get("start") or value.get("end") if isinstance(value, dict) else value


def main():
    found = collections.Counter()
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
        resources = [entry["resource"] for entry in json.loads(path.read_text())["entry"]]
        patient = next(r for r in resources if r["resourceType"] == "Patient")
        death = (patient.get("deceasedDateTime") or "9999")[:10]
        birth = patient["birthDate"]
        facts = {}
        for r in resources:
            kind = r["resourceType"]
            days = [start(r[name])[:10] for name in WHEN if name in r]
            if kind in ALIVE:
                found["AFTER_DEATH"] += any(day > death for day in days)
            if kind == "Encounter":
                code = r["type"][0]["coding"][0]["code"]
                found["CODE_NOT_OF_SYSTEM"] += not verhoeff(code)
            if kind in COMPARED:
                found["BEFORE_BIRTH"] += any(day < birth for day in days)
                bare = {k: v for k, v in r.items() if k not in ("id", "meta", "identifier", "text")}
                concept = r.get(COMPARED[kind], {})
                coding = (concept.get("coding") or [{}])[0]
                moment = next((r[n] for n in WHEN if n.endswith("DateTime") and n in r), None) or next(
                    (start(r[n])[:10] for n in WHEN if n in r and not n.endswith("DateTime")), None) or r.get("recordedDate")
                value = [(k, v) for k, v in r.items() if k.startswith("value") or k in ("component", "conclusion")]
                key = json.dumps([kind, coding.get("code"), moment, value])
                if moment or kind == "AllergyIntolerance":
                    if key in facts:
                        found["DUPLICATE_FACT"] += facts[key] == bare
                    else:
                        facts[key] = bare
                for coding in concept.get("coding", []):
                    system, code = coding.get("system", ""), coding.get("code", "")
                    sound = {"http://loinc.org": luhn, "http://snomed.info/sct": lambda c: c.isdigit() and verhoeff(c)}
                    found["CODE_NOT_OF_SYSTEM"] += system in sound and not sound[system](code)
            if kind == "Observation":
                for part in [r] + r.get("component", []):
                    quantity = part.get("valueQuantity")
                    if quantity:
                        found["UNIT_UNKNOWN"] += quantity["code"] in NO_UNIT
                        pair = (part["code"]["coding"][0]["code"], quantity["code"])
                        found["UNIT_NOT_OF_CODE"] += pair in NOT_OF_CODE
    print(json.dumps({"defects": {rule: count for rule, count in sorted(found.items()) if count}}, indent=1))


if __name__ == "__main__":
    main()
