"""Figures of the ten Synthea bundles, computed with Python's json alone, as a second opinion for tests/suite/record.rs.

    python3 record_figures.py FOLDER_WITH_BUNDLES > record_figures.json

Only numbers, dates and codes are written, by the position of the file in alphabetical order.
"""

import collections
import glob
import json
import os
import sys


def code(concept):
    return concept["coding"][0]["code"]


def newest(items, key):
    return max((key(item)[:10] for item in items), default=None)


def figures(path):
    with open(path, encoding="utf-8") as file:
        resources = [entry["resource"] for entry in json.load(file)["entry"]]

    def of(kind):
        return [r for r in resources if r["resourceType"] == kind]

    patient = of("Patient")[0]
    series = {}
    for observation in of("Observation"):
        day = observation["effectiveDateTime"]
        for part in [observation, *observation.get("component", [])]:
            value = part.get("valueQuantity", {}).get("value")
            words = part.get("valueCodeableConcept")
            if value is None and words is None:
                continue
            series.setdefault(code(part["code"]), []).append((day, value))
    curves = {}
    for key, values in series.items():
        values.sort(key=lambda pair: pair[0])
        numbers = [value for _, value in values if value is not None]
        curves[key] = {
            "count": len(values),
            "first": values[0][0][:10],
            "last": values[-1][0][:10],
            "sum": sum(numbers) if numbers else None,
            "last_value": values[-1][1],
        }
    conditions = of("Condition")
    active = [c for c in conditions if code(c["clinicalStatus"]) == "active"]
    medications = of("MedicationRequest")
    # Newest day first; of one day by UID.
    studies = sorted(of("ImagingStudy"), key=lambda s: s["identifier"][0]["value"])
    studies.sort(key=lambda s: s["started"][:10], reverse=True)
    return {
        "birth": patient["birthDate"],
        "sex": patient["gender"],
        "identifiers": len(patient["identifier"]),
        "other_names": len(patient["name"]) - 1,
        "deceased": (patient.get("deceasedDateTime") or "")[:10] or None,
        "allergies": sorted(code(a["code"]) for a in of("AllergyIntolerance")),
        "conditions": len(conditions),
        "active_conditions": len(active),
        "newest_active_onset": newest(active, lambda c: c["onsetDateTime"]),
        "abated": sum("abatementDateTime" in c for c in conditions),
        "medications": len(medications),
        "active_medications": sum(m["status"] == "active" for m in medications),
        "with_dosage": sum("dosageInstruction" in m for m in medications),
        "curves": curves,
        "procedures": len(of("Procedure")),
        "procedures_with_reason": sum("reasonReference" in p for p in of("Procedure")),
        "newest_procedure": newest(of("Procedure"), lambda p: p["performedPeriod"]["start"]),
        "encounters": len(of("Encounter")),
        "encounter_classes": sorted({e["class"]["code"] for e in of("Encounter")}),
        "encounters_with_reason": sum("reasonCode" in e for e in of("Encounter")),
        "counts": dict(collections.Counter(r["resourceType"] for r in resources)),
        "reports": len(of("DiagnosticReport")),
        "report_results": sum(len(r.get("result", [])) for r in of("DiagnosticReport")),
        "immunizations": len(of("Immunization")),
        "newest_immunization": newest(of("Immunization"), lambda i: i["occurrenceDateTime"]),
        "care_plans": len(of("CarePlan")),
        "active_care_plans": sum(p["status"] == "active" for p in of("CarePlan")),
        "activities": sum(len(p.get("activity", [])) for p in of("CarePlan")),
        "addresses": sum(len(p.get("addresses", [])) for p in of("CarePlan")),
        "claims": len(of("Claim")),
        "claimed": round(sum(c["total"]["value"] for c in of("Claim")), 2),
        "benefits": len(of("ExplanationOfBenefit")),
        "paid": round(sum(e["payment"]["amount"]["value"] for e in of("ExplanationOfBenefit") if "payment" in e), 2),
        "studies": [
            [
                s["identifier"][0]["value"].removeprefix("urn:oid:"),
                s["started"][:10],
                sorted({x["modality"]["code"] for x in s["series"]}),
                s["series"][0]["bodySite"]["display"],
            ]
            for s in studies
        ],
    }


paths = sorted(glob.glob(os.path.join(sys.argv[1], "*.json")), key=os.path.basename)
json.dump([figures(path) for path in paths], sys.stdout, indent=1, sort_keys=True)
print()
