"""Drafts cannot contain their own list of warning signs; text that explains signs passes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.exceptions import ValidationError

from procedures.importing.content_files import read_page_entry
from procedures.models import ClinicAnswer, ClinicText, GlossaryTerm, GuideItem, LocationText, Page, Series, SeriesItem
from procedures.publishing.checks import find_authored_sign_advice
from procedures.rendering import Issue
from procedures.rendering.parser import parse
from procedures.triage import TriageDetector
from tests.factories import EMPTY_CONTENT

CONTENT = Path(__file__).resolve().parents[2] / "content"
FIX = "Use ::: warning-signs before instead."
REJECTED = {
    "en": [
        "::: emergency\n- Anything.\n:::",
        "::: urgent\n- Anything.\n:::",
        "::: call\n- One leg is newly weak.\n:::",
        "::: call\n- You have a fever.\n- The wound is red.\n:::",
        "Call us today if your leg feels weak.",
        "If your arm goes numb, call us today.",
        "A swollen face is an emergency.",
        "Go to the emergency room if you faint.",
        "You have chest pain or a fever. Then call {clinic.emergency_number}.",
        "Call 911 if:\n\n- you have chest pain\n- you cannot pass urine",
        "- You have chest pain.\n- You cannot hold your urine.\n\nIn these cases, call {clinic.emergency_number} now.",
        "## When do I call?\n\n- Fever.\n- The pain gets worse.",
        "## Danger signs\n\n1. You throw up.\n2. You have a rash.",
        "| Sign | What to do |\n|---|---|\n| Fever | Call us today |\n| Chest pain | Call 911 |",
        "::: key-points\n- Rest.\n- Fever or vomiting: call us now.\n:::",
        "::: checklist\n- I have no fever.\n- The wound is not red.\n:::\n\nIs a tick missing? Call us today.",
        "::: do\n- Call us at once if you are short of breath.\n:::",
        "> Bleeding that does not stop? Dial 911.",
        "**Trouble breathing?** Seek medical help right away.",
        "::: choices\n### A\n#### What\nCall 911 if your legs are weak.\n### B\n#### What\nNo.\n:::",
        "Your foot is weak. If you notice this, call us today.",
        "If he won’t wake up, call an ambulance.",
        "One of these is new: you are numb between your inner thighs, so call us the same day.",
        # An emergency sign with a delay, a reassurance, or home care.
        "A weak leg can wait until your visit.",
        "Weak legs? Tell us at your next visit.",
        "If you faint, rest at home and see us next week.",
        "If you cannot pee, wait until morning.",
        "Chest pain is normal after the procedure. You need not call.",
        "You may have chest pain. You need not call.",
        "If your lips swell, take an allergy pill.",
        "If you pass out, tell your nurse at the next visit.",
        "Leg weakness: let us know.",
        "If you cannot lift your foot, call us today.",
        "Drop foot: call us in office hours.",
        "If you wet yourself, call us today.",
        "Trouble talking? Call us today.",
        "If one side of your face hangs, call us today.",
        "Numb, tingling or weak arms or legs can be a sign of nerve damage. It often starts small. Tell us early.",
        "A leg that gives out is nothing to worry about.",
        "If your knee buckles, mention it at your appointment.",
        "You cannot catch your breath. Lie down and relax.",
        "When it is hard to speak, wait and see if it passes.",
        "If you soil yourself, let your nurse know.",
        "If you collapse, drink some water and see your doctor.",
        "A racing heart usually goes away.",
        "If your arm is weak, make an appointment.",
        "Tell us early if your legs feel weak.",
        "If your leg goes weak, ring us on Monday.",
        "Leg weak? No rush.",
        "Your feet feel weak: bring it up when we see you.",
        "If you are short of breath, sit by a window.",
        "Shortness of breath often settles on its own.",
        "You may feel some chest tightness. This is expected.",
        "Do not worry about a weak leg.",
        "A weak leg is not urgent.",
        "Weakness in a leg is to be expected after the procedure.",
        "If your foot slaps the floor, call us.",
        "If your leg gives way, use a cane.",
        "If you lose control of your bladder, wear a pad.",
        "If you leak urine, wear a pad.",
        "Leaking stool is common at your age.",
        "Losing control of your bowels? Let the office know.",
        "If you feel numb in the saddle area, speak to your doctor.",
        "Numb buttocks are normal after lying still.",
        "If your groin is numb, talk to us at the checkup.",
        "If your speech is slurred, sleep.",
        "Slurred speech will wear off.",
        "If your mouth droops on one side, call us.",
        "If one arm drifts down, call the clinic.",
        "If you suddenly cannot see, make an appointment with your eye doctor.",
        "If you suddenly lose your balance, sit down.",
        "If you black out, drink juice.",
        "Blacking out once is no reason to call.",
        "If your heart pounds, try to relax.",
        "If you cough up blood, wait a day.",
        "If your tongue swells, take Benadryl.",
        "If your throat closes up, call us.",
        "If you have hives and wheeze, call us today.",
        "If the bleeding does not stop, change the dressing.",
        "If you bleed through the bandage and it won't stop, call us.",
        "If he is hard to wake, let him sleep.",
        "Blue lips? Keep warm.",
        "If your breathing is slow, skip a pill.",
        "You cannot stand: rest for a day.",
        "If you can't walk, call your family doctor.",
        "If you can't move your toes, contact us next week.",
        "A paralyzed leg can be checked at the next visit.",
        "If you have chills, call 911.",
        "Go to the ER if you have a rash.",
        "Vomiting? Go to the emergency room.",
        "Pain that wakes you at night needs an ambulance.",
        "Burning when you pee is an emergency.",
        "New numbness can wait.",
        "A fever can wait until Monday.",
        "Pain that gets worse is normal.",
        "A red wound is normal.",
        "If fluid drains from the site, put on a new bandage and call us tomorrow.",
        "Tell the front desk when you come in if your legs are weak.",
        "Weak legs get better with rest.",
        "There is no need to report weak legs.",
        "If you can't urinate, try a warm bath.",
        "If you are unable to urinate, drink more water.",
        "If your legs feel heavy, call us.",
        "If you have trouble swallowing, call us.",
        "Mention weak legs to your therapist.",
        "If you have a stroke sign, call us first.",
        "A droopy face can wait.",
        "If you get dizzy and pass out, lie down.",
        "Your leg is weak, but it can wait.",
        "Weak in one leg? Book a visit.",
        "A numb crotch? Tell the nurse next week.",
        "If you cannot stand up, sit down and wait.",
        "Go home and rest if you feel faint.",
        "Feeling faint? Have a snack.",
        "It's OK to wait if you can't pee.",
        "Call the office during business hours if your leg is weak.",
        "No need for the ER if you pass out.",
        "Most people have chest pain for a day; this is fine.",
        "You can ignore a weak leg.",
        "If you throw up, dial 911.",
        "Call an ambulance if your wound leaks.",
        "Swelling of the lips is usual.",
        "Try an antacid if you have chest pain.",
        "Wear a pad if you leak urine.",
        "Use a cane if your leg gives way.",
        "When your face droops, take a photo and email us.",
        "Some people have a weak leg for a day or two.",
        "Weak legs are part of healing.",
        "You may not be able to lift your foot. This gets better.",
        "Can’t pee: wait.",
        "You can’t pee. Call us tomorrow.",
        "Chest pressure: try an antacid first.",
        "Your speech may be slurred; give it time.",
        # A level other than the one in the sign's row.
        "Call 911 for a fever.",
        "If your calf is swollen, call 911.",
        "You throw up: call 911.",
        "If you have a fever, wait until the morning.",
        "A rash is nothing to worry about.",
        "New tingling can wait until your next visit.",
        "Go to the emergency room if you are constipated.",
        "If the wound is red, call us in office hours.",
        # Blocks, headings, and lists.
        "::: steps\n1. Your leg is weak.\n2. Call us tomorrow.\n:::",
        "::: call\n- You have new numbness.\n:::",
        "## When is it urgent?\n\n- Chest pain.\n- Weak legs.",
        "## When can it wait?\n\n- A weak leg.\n- Trouble walking.",
        "## When can it wait?\n\n- A fever.\n- A rash.",
        "## Weak legs?\n\nTell us at your next visit.",
        "### You faint\n\nRest at home.",
        "## A weak leg can wait",
        "::: note\nIf your foot drops, tell us at the visit.\n:::",
        "- Your leg is weak.\n- Call us tomorrow.",
    ],
    "es": [
        "::: call\n- Tiene debilidad nueva en una pierna.\n:::",
        "Llámenos hoy si siente débil una pierna.",
        "Si le falta el aire, llame al {clinic.emergency_number}.",
        "Vaya a la sala de emergencias si se desmaya.",
        "## ¿Cuándo llamo?\n\n- Tiene fiebre.\n- Tiene vómitos.",
        "Tiene fiebre y la herida está roja. Llámenos el mismo día.",
        "| Señal | Qué hacer |\n|---|---|\n| Fiebre | Llámenos |\n| Dolor de pecho | 911 |",
        "No puede orinar: es una emergencia.",
        "Con fiebre, llame al 911.",
        "Si vomita, llame al 911.",
        "Si la pierna le falla, llámenos.",
        "Si no puede orinar, espere a mañana.",
        "Si se desmaya, descanse en casa.",
        "Si le cuesta hablar, llámenos hoy.",
        "Si no puede levantar el pie, llámenos.",
        "Si se orina encima, llámenos hoy.",
        "¿Piernas débiles? Díganoslo en la próxima cita.",
        "El dolor de pecho es normal. No hace falta que llame.",
        "Si se le hinchan los labios, tome una pastilla para la alergia.",
        "Un brazo débil puede esperar a la cita.",
        "Si se le tuerce la cara, avísenos.",
        "Si le falta el aire, acuéstese.",
        "Si la pantorrilla está hinchada, llame al 911.",
        (
            "Los brazos o las piernas adormecidos o débiles pueden ser señal de daño. Muchas veces empieza con poco. "
            "Díganoslo pronto."
        ),
        "Si siente débiles las piernas, espere unos días.",
        "Si la pierna no le responde, avísenos.",
        "La debilidad en la pierna es normal.",
        "Si se le duerme la pierna y no la puede mover, llámenos mañana.",
        "Si le duele el pecho, descanse.",
        "Un dolor en el pecho puede esperar.",
        "No se preocupe si se desmaya.",
        "Si pierde el conocimiento, llame a la clínica.",
        "Si se le traba la lengua, llámenos.",
        "Si habla raro, avise a la enfermera.",
        "Si tiene la boca torcida, llámenos.",
        "Si no siente un brazo, llámenos.",
        "Si no aguanta la orina, use un pañal.",
        "Si se le sale la orina, dígaselo al médico en la cita.",
        "Si se hace del baño encima, llámenos.",
        "Si tose sangre, llámenos hoy.",
        "Si se le hincha la lengua, tome un antihistamínico.",
        "Si no para de sangrar, cambie el vendaje.",
        "Si cuesta despertarlo, déjelo dormir.",
        "Si respira lento, llámenos.",
        "Si arrastra el pie, coméntelo en la cita.",
        "Si no puede caminar, descanse.",
        "Si tiene escalofríos, llame al 911.",
        "Si la herida está roja, vaya a urgencias.",
        "Un sarpullido es una emergencia.",
        "Si tiene hormigueo nuevo, espere a su cita.",
        "La fiebre es normal.",
        "El vómito es normal y se quita solo.",
        "Si el dolor empeora, espere a la próxima cita.",
        "Si siente adormecida la entrepierna, pregunte en su próxima visita.",
        "Si tiene estreñimiento, llame al 911.",
        "Si le arde al orinar, llame al 911.",
        "Si el corazón le late muy rápido, relájese.",
        "Si se queda sin aire, llámenos.",
        "Si de repente no ve bien, pida cita.",
        "Llame al consultorio en horario de oficina si tiene débil la pierna.",
        "Puede ignorar la pierna débil.",
        "Use un bastón si la pierna le falla.",
        "Tómese un antiácido si le duele el pecho.",
        "Dolor de pecho: pruebe primero un antiácido.",
        "Pida una ambulancia si vomita.",
        "Algunas personas tienen una pierna débil por un día o dos.",
        "La debilidad en las piernas es parte de la recuperación.",
        "No puede orinar: espere.",
        "Si se cae porque la pierna no le responde, descanse.",
        "Los labios hinchados son normales.",
        "## ¿Qué puede esperar?\n\n- Una pierna débil.",
        "## ¿Cuándo es urgente?\n\n- Fiebre.\n- Vómitos.",
        "::: steps\n1. Tiene débil la pierna.\n2. Llámenos mañana.\n:::",
        "::: call\n- Tiene un adormecimiento nuevo.\n:::",
    ],
}
ACCEPTED = {
    "en": [
        "A pressed nerve can make your leg weak or numb. It often starts small.",
        "You may have one or more of these:\n\n- A part of your leg is numb.\n- It tingles.\n- You cannot move a foot.",
        "## What does it feel like?\n\n- Numb skin.\n- Weak legs.",
        "- **Infection:** fever, or a red needle site.\n- **Nerve damage:** numb or weak legs.",
        "Is the site red? See [when to call](#when-to-call).",
        "::: call\n- You want to move your visit.\n- You have a question about your medicine.\n:::",
        "Call {clinic.phone} before your visit if one of these is true:\n\n- I take a blood thinner.\n- I have a fever now.",
        "::: key-points\n- Numb or weak legs can be a sign of nerve damage.\n- Call {clinic.emergency_number} for an emergency.\n:::",
        "Doctors call this cauda equina syndrome. It is an emergency.",
        "The doctor numbs your back. Call us with any question.",
        "Cement reached the lung in 2 of 100 people. Most had no trouble breathing.",
        "Strong pain medicine can make it hard to pass stool. Ask for a laxative.",
        "Pain medicine can make you sleepy.",
        "When you get up, hold the rail.",
        "If you have had a stroke, tell us before the procedure.",
        "Tell us if you take a blood thinner for a stroke you had.",
        "If your pain does not ease, tell us at your visit.",
        "Wear shoes that grip so your feet do not slip.",
        "Do you feel weak after lying down? Stand up slowly.",
        "Some people feel dizzy when they stand up. Sit down until it passes.",
        "Do leg exercises while you wait for your visit.",
        "Bleeding under the skin (a bruise) is common after the needle.",
        "Pain medicine can cause constipation. Drink plenty of water and eat fiber.",
        "Use the bathroom before you leave home.",
        "We ask you to empty your bladder before the procedure.",
        "Tell us about trouble with anesthesia in the past.",
        "Sleep apnea means that your breathing stops for short times in your sleep. Bring your CPAP.",
        "Cement that reaches the lung can make you short of breath.",
        "A blood clot in the leg can travel to the lung.",
        "Long sitting adds to the risk of a clot. Stand up and walk each hour.",
        "Your legs may be stiff after the procedure. Walk a little every hour.",
        "Bend your knees, and keep your back straight.",
        "Do not lift your legs when you lie flat. Roll to your side first.",
        "The nurse checks your legs and your feeling before you go home.",
        "You cannot eat before the procedure. Ask us about your pills.",
        "It is normal to be nervous before a procedure.",
        "Your visit takes an hour. You can wait in the lobby.",
        "If you cannot come, call us.",
        "If you cannot keep your visit, call us today.",
        "Chest X-rays show the lungs. Ask us about yours.",
        "Numbing medicine stings at first. It wears off in a few hours.",
        "Call us if the brace hurts.",
        "We will call you the next day to ask how you are.",
        "If you have trouble sleeping, tell us at your visit.",
        "Get help to put on your socks and shoes.",
        "You cannot drive for 2 days. Ask someone to drive you.",
        "Some people have chest pain from a broken rib.",
        "Bring your list of medicines.",
        "Call us if you have questions.",
        "Tell us about allergies before the procedure.",
        "Ask us about driving.",
        "Tell us about a fever, an infection, an allergy or a pregnancy.",
        "Tell us if you have ever fainted after an injection.",
        "A pressed nerve can make your leg weak. Call us if you have questions.",
        "It is normal to be afraid. Tell us.",
        "The needle site may be sore for two days. That is normal.",
        "Rest at home for 24 hours after you get sleepy medicine.",
        "Wait until your visit before you take a bath.",
        "Take the pills with food.",
        "Lie on your side to sleep.",
        "Call us to move your visit to next week.",
        "See your family doctor for your bone medicine.",
        "The doctor tests your feeling, your strength and how you walk.",
        "Stopping a blood thinner on your own can cause a stroke.",
        "Ask your doctor when to stop your blood thinner, and when to start it again.",
        "You go home the same day. Someone must drive you.",
        "Pain that is worse when you stand and better when you lie down.",
        "Opioids can slow your breathing. Never take them with alcohol.",
        "You need treatment for weak bones with every choice.",
        "Your back is numb during the procedure, and that is normal.",
        "If your date does not suit you, call us in office hours.",
        "A faint gray line on the X-ray is normal.",
        "If more bones break, the damage can get worse. Find what you feel in [the list](#when-to-call).",
    ],
    "es": [
        "Un nervio apretado puede dejar la pierna débil o adormecida.",
        "Los médicos lo llaman síndrome de la cauda equina. Es una emergencia.",
        "El médico adormece la espalda. Llámenos si tiene preguntas.",
        "Se llama vértebra. El hueso débil se rompe.",
        "::: call\n- Quiere cambiar la cita.\n:::",
        "Traiga la lista de sus medicinas.",
        "Si no puede venir, llámenos.",
        "Si tuvo un derrame cerebral, díganoslo antes del procedimiento.",
        "El estreñimiento es común con estas medicinas. Beba más agua.",
        "Vaya al baño antes de salir de casa.",
        "Algunas personas se marean al levantarse. Siéntese un momento.",
        "Un moretón es común después de la aguja.",
        "Levántese despacio y apóyese en el barandal.",
        "Doble las rodillas y mantenga la espalda recta.",
        "Si le cuesta dormir, díganoslo en la cita.",
        "La medicina que adormece arde al principio. Es normal.",
        "Mueva los pies y las piernas mientras está en la cama.",
        "Camine hoy un poco más que ayer.",
        "No puede manejar por 2 días. Pida que alguien le lleve.",
        "La enfermera revisa sus piernas antes de que se vaya a casa.",
        "El cemento que llega al pulmón puede causar falta de aire.",
        "Llámenos si tiene preguntas.",
        "Díganos si tiene fiebre, una infección, una alergia o un embarazo.",
        "Díganos si alguna vez se desmayó con una inyección.",
        "Es normal tener miedo. Díganoslo.",
        "El sitio de la aguja puede dolerle dos días. Es normal.",
        "Algunas personas tienen dolor de pecho por una costilla rota.",
        "La medicina para el dolor puede darle sueño.",
        "Descanse en casa 24 horas.",
        "Espere hasta la cita para bañarse en la tina.",
        "Tome las pastillas con comida.",
        "Acuéstese de lado para dormir.",
        "Llámenos para cambiar la cita a la próxima semana.",
        "Pregúntenos por el manejo.",
        "Dejar un anticoagulante por su cuenta puede causar un derrame cerebral.",
        "Se va a casa el mismo día. Alguien tiene que llevarle.",
        "Los opioides pueden hacer lenta la respiración. Nunca los tome con alcohol.",
        "El médico le adormece la espalda. Es normal sentir presión.",
        "Con cualquier opción, usted necesita tratamiento para el hueso débil.",
        "Su familia puede esperar en la sala.",
        "Levante los objetos con las piernas, no con la espalda.",
        "Ponga hielo 20 minutos.",
        "Camine 5 minutos varias veces al día.",
        "Pregunte a su médico cuándo dejar el anticoagulante.",
        "Ver a su médico de cabecera le ayuda a cuidar los huesos.",
        "Siga la tabla y muévase un poco más cada día.",
    ],
}


# Words of patients and nurses for the emergency signs of the list.
EVERYDAY_SIGNS = {
    "en": {
        "stroke": (
            "your speech is slurred|you can’t get your words out|your words come out wrong|your mouth droops|one side of"
            " your face sags|your smile looks crooked|one arm goes limp|your hand went dead|one side of your body is numb"
            "|you see double|you suddenly can’t see out of one eye|you suddenly lose your balance"
        ),
        "chest pain": (
            "your chest hurts|your chest feels heavy|you have pressure in your chest|you have squeezing in the chest"
            "|pain spreads across your chest|it feels like a weight on your chest"
        ),
        "trouble breathing": (
            "you can’t catch your breath|you’re gasping|you can’t get enough air|you can’t take a breath|you feel winded"
            " at rest|you feel like you’re suffocating|your heart pounds|your heart skips beats|you spit up blood|you"
            " cough up pink foam"
        ),
        "fainting": "you pass out|you black out|you collapse|you feel like passing out",
        "severe allergy": "your tongue swells|your lip puffs up|your throat closes|you break out in hives|you start wheezing",
        "numb between the legs": (
            "you can’t feel when you wipe|you don’t feel it when you wipe|you can’t feel the toilet paper|your seat area"
            " feels asleep|your bottom is numb|your private parts go numb|your privates feel dead|your crotch fell asleep"
            "|the skin you sit on is numb|you lost feeling down there"
        ),
        "bladder or bowel": (
            "you have accidents in your underwear|you dribble urine|urine leaks out|you leak when you cough|you wet your"
            " pants|poop slips out|you soil your sheets|your bladder won’t empty|nothing comes out when you try to pee|you"
            " haven’t peed in 8 hours|you can’t start a stream|you can’t tell when you need to go|you pee without knowing"
            "|you can’t make it to the bathroom|you don’t feel the urge to pee"
        ),
        "weak legs": (
            "your legs stop working|your legs won’t hold you|your legs feel like jelly|your legs are wobbly|your leg went"
            " dead|your foot flops|your foot drags|you trip over your toes|your knees give way|you can’t get up out of the"
            " chair|you can’t stand on your own|you can no longer walk|you can’t put any weight on it|you have new weakness"
            "|you may not be able to lift your foot"
        ),
        "hard to wake": (
            "your lips turn blue|his fingertips look blue|she won’t wake up|he can’t be woken|he is barely breathing|she"
            " stops breathing|his pupils are tiny|she is unresponsive"
        ),
        "bleeding": (
            "the bleeding won’t stop|blood keeps coming|blood soaks through the bandage|blood runs down your back|the wound"
            " keeps bleeding|the towel is soaked with blood"
        ),
    },
    "es": {
        "derrame cerebral": (
            "se le traba la lengua|no le salen las palabras|habla como borracho|se le cae un lado de la cara|tiene la boca"
            " chueca|se le duerme un brazo|tiene dormida la mano|ve doble|pierde el equilibrio"
        ),
        "dolor de pecho": "le duele el pecho|le aprieta el pecho|siente un peso en el pecho|siente el pecho apretado",
        "falta de aire": (
            "le falta el aire|no le entra el aire|se está ahogando|casi no respira|le cuesta mucho respirar|jadea"
            "|escupe sangre|el corazón le brinca"
        ),
        "desmayo": "se desmaya|se desvaneció|pierde el conocimiento|perdió el sentido",
        "alergia grave": "se le hincha la lengua|se le inflaman los labios|se le cierra la garganta|le salen ronchas",
        "piel adormecida entre las piernas": (
            "no siente cuando se limpia|no siente nada al limpiarse|no siente el papel|se le duermen las partes íntimas"
            "|tiene dormida la entrepierna|tiene las nalgas dormidas|perdió la sensibilidad ahí abajo"
        ),
        "vejiga o intestino": (
            "se orina sin querer|se le escapa la orina|se le sale el pipí|se hizo pipí sin darse cuenta|moja los calzones"
            "|se hace del baño sin querer|se le sale el excremento|se hizo popó encima|no le sale la orina|no ha podido"
            " orinar|no puede vaciar la vejiga|ya no siente ganas de orinar|no llega al baño"
        ),
        "piernas débiles": (
            "se le doblan las piernas|se le doblan las rodillas|se le vencen las rodillas|se le aflojan las piernas|le"
            " tiemblan las piernas|siente las piernas de trapo|no puede sostenerse de pie|no puede dar un paso|ya no puede"
            " caminar|tropieza con la punta del pie|tiene debilidad nueva|se siente débil de repente"
        ),
        "cuesta despertarle": (
            "tiene los labios morados|se le ponen azules las uñas|no lo pueden despertar|es difícil de despertar|deja de"
            " respirar|respira muy poco|tiene las pupilas como puntos"
        ),
        "sangrado": (
            "la sangre no para|la sangre traspasa el vendaje|el vendaje está lleno de sangre|sangra mucho|sale mucha sangre"
        ),
    },
}
ADVICE = {
    "en": ["If {sign}, wait until your next visit.", "If {sign}, call our office in the morning."],
    "es": ["Si {sign}, espere hasta su próxima cita.", "Si {sign}, llame al consultorio por la mañana."],
}
# Text around a list, table, or short paragraphs that says what to do about their entries, or that all is well.
LEVELS = {
    "en": [
        "These can wait until Monday:",
        "Tell us about these at your next visit:",
        "Do not call for these:",
        "You don’t need to call us for:",
        "Not an emergency:",
        "Not urgent:",
        "The following are normal:",
        "What is normal:",
        "**These can wait**",
        "Come to our office if:",
        "See your family doctor for:",
        "Take a pill and rest if you have:",
        "Watch at home:",
        "Call your primary care doctor for:",
        "Some things settle with time. These get better on their own [@x]:",
        "No big deal:",
        "Less urgent:",
        "Common after the procedure:",
    ],
    "es": [
        "Esto puede esperar:",
        "Espere hasta el lunes si:",
        "Dígalo en su próxima cita:",
        "Es normal:",
        "Normal después del procedimiento:",
        "No es una emergencia:",
        "No llame por esto:",
        "Vea a su médico de cabecera si:",
        "**Pueden esperar**",
        "Tome una pastilla y descanse si tiene:",
        "Mejoran con los días. No son graves:",
        "Molestias normales:",
        "Menos urgente:",
    ],
}
LEVEL_HEADINGS = {
    "en": ["Normal after the procedure", "Not an emergency", "Nothing to worry about", "Wait until your visit"],
    "es": ["Es normal", "Lo normal", "Normal después del procedimiento", "No es urgente", "Pueden esperar"],
}
CLOSING_SENTENCES = {
    "en": ["All of these can wait until your next visit.", "These go away on their own.", "Wait until Monday."],
    "es": ["Todo esto puede esperar.", "Estas molestias son normales.", "Espere hasta el lunes."],
}
SIGNS = {"en": ["You can’t pee.", "Your leg is weak."], "es": ["No puede orinar.", "Tiene débil una pierna."]}
STRUCTURES = (
    "{level}\n\n- A sore back.\n- {sign}",
    "{level}\n\n1. {sign}\n2. A sore back.",
    "{level}\n\n{sign}",
    "{level}\n\nX.\n\n{sign}",
    "> {level}\n>\n> {sign}",
    "::: note\n{level}\n\n- {sign}\n:::",
    "{level}\n\n::: checklist\n- X.\n- {sign}\n:::",
    "- {level}\n  - X.\n  - {sign}",
    "| A | {level} |\n|---|---|\n| X | X |\n| X | {sign} |",
    "| A | B |\n|---|---|\n| {level} | {sign} |",
)
HEADED = (
    "## {level}\n\n- X.\n- {sign}",
    "## {level}\n\nX.\n\n- X.\n- {sign}",
    "## {level}\n\n{sign}",
    "## {level}\n\nX.\n\n{sign}",
    "## {level}\n\n### A\n\n- {sign}",
    "## {level}\n\n### {sign}\n\nX.",
)
CLOSED = ("- X.\n- {sign}\n\n{level}", "{sign}\n\n{level}", "::: note\n- {sign}\n:::\n\n{level}")
# Ordinary passages of patient pages with words of signs, of delays, or of calls.
ORDINARY = {
    "en": [
        "What to bring:\n\n- Your list of medicines.\n- Your glasses.\n\nAsk us at your visit if you forgot something.",
        "Leaks are common, but seldom felt.\n\n- **In a vein:** most people feel nothing.\n- **Near a nerve:** a leg can go weak.",
        "Possible problems:\n\n- Bleeding or infection.\n- Nerve damage, which can make your legs weak.\n- Cement in the lung.",
        "## What are the risks?\n\nCement can press on a nerve. In the worst cases, people are paralyzed.\n\nThat is uncommon.",
        "## How common is nerve damage?\n\nIt isn’t common. A pressed nerve can make your leg weak.\n\nAsk us at your visit.",
        "These changes are normal:\n\n- A bruise at the needle site.\n- A sore back for two days.\n- Feeling tired.",
        "Wait until your visit before you:\n\n- Drive.\n- Lift more than 10 pounds.\n- Take a bath.",
        "Tell us before the procedure if:\n\n- You take a blood thinner.\n- You have an allergy.\n- You could be pregnant.",
        "Tell us at your visit:\n\n- What makes the pain better.\n- How far you can walk.\n- Which medicines you take.",
        "Call us at {clinic.phone} to:\n\n- Move your visit.\n- Ask for an interpreter.\n- Get a refill.",
        "See your family doctor for:\n\n- A bone density test.\n- Medicine for weak bones.\n- Vitamin D.",
        "| When | What you can do |\n|---|---|\n| Today | Rest at home |\n| Tomorrow | Walk for 5 minutes |\n| Next week | Drive |",
        "| Treatment | Common problems |\n|---|---|\n| Pain medicine | Constipation |\n| Cement | Leaks out of the bone |",
        "The doctor checks your legs:\n\n- Can you lift your foot?\n- Can you feel a touch?\n\nThis takes a minute.",
        "Your nerves carry feeling from your legs.\n\nThey also control your bladder.\n\nTell us what you would like to know.",
        "The bottom of your foot may tingle when it falls asleep. Shake it out.",
        "If you fall to the floor, rest for a moment, and then roll onto your side.",
        "The skin around the needle site may turn purple. That is a bruise, and it is normal.",
        "Bones get weak with age. Ask your doctor about a bone density test.",
        "Pain that doesn’t respond to medicine is one reason to have this done. Talk to us about it.",
        "Some people feel tired for a day or two.",
        "If you had an accident or a fall, tell us at your visit.",
        "You may have a chest X-ray and a blood pressure check at your visit.",
        "Bend your knees, and don’t lift more than 10 pounds. Ask us when you can lift more.",
        "You may not be able to walk far at first. Rest when you are tired.",
        "Take a deep breath and hold still. It is normal to be nervous.",
        "If the dressing gets wet, put on a dry one.",
        "Use the arms of the chair to get up. Rest before you walk.",
        "Rugs can make you trip. Take them up before your procedure.",
        "You can’t drive for a day. Ask someone to take you home.",
        "Blood tests show how well your blood clots. Ask us about yours.",
        "You won’t feel the needle in your back after the numbing shot. That is normal.",
        "## Can I wait?\n\nYes. Most people feel better within six weeks.\n\nYou can decide later.",
        "## Call us\n\nOur phones are open on weekdays.\n\nPlease have your birth date ready.",
    ],
    "es": [
        "Qué traer:\n\n- La lista de sus medicinas.\n- Sus lentes.\n\nPregúntenos en la cita si le falta algo.",
        "Posibles problemas:\n\n- Sangrado o infección.\n- Daño en un nervio, que puede dejar débil una pierna.",
        "Es normal:\n\n- Un moretón en el sitio de la aguja.\n- Dolor de espalda dos días.\n- Cansancio.",
        "Espere hasta su cita para:\n\n- Manejar.\n- Levantar más de 10 libras.\n- Bañarse en la tina.",
        "Díganos antes del procedimiento si:\n\n- Toma un anticoagulante.\n- Tiene una alergia.",
        "Díganos en la cita:\n\n- Qué le alivia el dolor.\n- Cuánto puede caminar.",
        "Llame al {clinic.phone} para:\n\n- Cambiar la cita.\n- Pedir un intérprete.",
        "Vea a su médico de cabecera para:\n\n- Un examen de los huesos.\n- La vitamina D.",
        "| Cuándo | Qué puede hacer |\n|---|---|\n| Hoy | Descanse en casa |\n| Mañana | Camine 5 minutos |",
        "Los nervios llevan la sensación de las piernas.\n\nTambién controlan la vejiga.\n\nPregúntenos lo que quiera saber.",
        "## ¿Qué tan común es el daño en los nervios?\n\nNo es común. Un nervio apretado puede dejar débil la pierna.",
        "Si se cae al suelo, descanse un momento y luego póngase de lado.",
        "La piel se puede poner morada. Es un moretón y es normal.",
        "No se doble por la cintura; doble las rodillas. Descanse si se cansa.",
        "No puede levantarse de la cama por dos horas. Descanse.",
        "Si se moja el vendaje, cámbielo mañana.",
        "Si le cuesta caminar por el dolor, díganoslo en la cita.",
        "Le tomamos la presión y una radiografía del pecho antes de la cita.",
        "Respire hondo y quédese quieto. Es normal estar nervioso.",
        "Algunas personas se sienten cansadas por un día o dos.",
        "Use zapatos que no le queden flojos en los pies. Camine hoy un poco.",
        "El dolor que no responde al tratamiento es una razón para hacerlo. Consúltenos.",
        "Puede esperar y decidir después. Traiga sus preguntas.",
        "Los huesos se ponen débiles con la edad. Pregunte a su médico por un examen.",
    ],
}


def fill(structures: tuple[str, ...], levels: list[str], signs: list[str]) -> Iterator[str]:
    for structure in structures:
        for level in levels:
            yield from (structure.replace("{level}", level).replace("{sign}", sign) for sign in signs)


def lint_signs(content: dict[str, Any], *, kind: str, triage: TriageDetector) -> list[Issue]:
    return find_authored_sign_advice(content, parse(content["body"]).document, kind=kind, triage=triage)


def found(body: str, language: str = "en", **values: str) -> list[str]:
    """Return the issues of a text, with their lines."""
    problems = lint_signs(
        {**EMPTY_CONTENT, "description": "", "body": body, **values}, kind="condition", triage=TriageDetector(language)
    )
    return [str(problem) for problem in problems]


@pytest.mark.parametrize("language", ["en", "es"])
def test_text_that_pairs_signs_with_advice_is_rejected_with_a_fix(language: str) -> None:
    missed = [body for body in REJECTED[language] if not any(FIX in problem for problem in found(body, language))]

    assert missed == [], missed


@pytest.mark.parametrize("language", ["en", "es"])
def test_text_that_explains_signs_or_links_to_the_list_is_accepted(language: str) -> None:
    assert {body: problems for body in ACCEPTED[language] if (problems := found(body, language))} == {}


@pytest.mark.parametrize("language", ["en", "es"])
def test_everyday_words_for_emergency_signs_are_recognized(language: str) -> None:
    triage = TriageDetector(language)
    signs = [(name, text) for name, texts in EVERYDAY_SIGNS[language].items() for text in texts.split("|")]

    assert [(name, text) for name, text in signs if name not in triage.find_emergencies(text)] == []
    texts = [advice.replace("{sign}", text) for _, text in signs for advice in ADVICE[language]]
    assert [text for text in texts if not triage.find_advised_signs(text)] == []


@pytest.mark.parametrize("language", ["en", "es"])
def test_text_around_entries_cannot_give_their_signs_a_level(language: str) -> None:
    signs = SIGNS[language]
    bodies = [
        *fill(STRUCTURES, LEVELS[language], signs),
        *fill(HEADED, LEVEL_HEADINGS[language], signs),
        *fill(CLOSED, CLOSING_SENTENCES[language], signs),
    ]

    assert [body for body in bodies if not any(FIX in problem for problem in found(body, language))] == []


@pytest.mark.parametrize("language", ["en", "es"])
def test_ordinary_passages_are_not_reported(language: str) -> None:
    assert {body: problems for body in ORDINARY[language] if (problems := found(body, language))} == {}


def test_page_title_is_the_heading_of_the_text_below_it() -> None:
    (problem,) = found("- A sore back.\n- You can’t pee.", title="These can wait until Monday")

    assert "(bladder or bowel)" in problem


def test_last_sentence_of_a_paragraph_can_be_about_the_list_below() -> None:
    assert len(found("You may notice a few things. They are normal.\n\n- A sore back.\n- A weak leg.")) == 1
    assert len(found("Puede notar cambios. Son normales.\n\n- Dolor de espalda.\n- Una pierna débil.", "es")) == 1


def test_introduction_of_one_list_says_nothing_about_another() -> None:
    body = (
        "A nerve problem can feel like this:\n\n- Numb skin.\n- A weak leg.\n\n"
        "These are normal:\n\n- A bruise.\n- A sore back.\n\n"
        "A pressed nerve feels different:\n\n- Numb skin.\n- A weak leg."
    )

    assert found(body) == []


def test_issue_reports_the_line_and_the_signs() -> None:
    body = "## Rest\n\nRest well.\n\n::: call\n- You have a fever.\n- You throw up.\n:::\n"

    assert found(body) == [
        "line 5: This text says what to do about warning signs (fever; vomiting). Signs come from one list. " + FIX
    ]


@pytest.mark.parametrize(("kind", "when"), [("recovery", "after"), ("guide", "both"), ("preparation", "before")])
def test_fix_depends_on_the_kind_of_page(kind: str, when: str) -> None:
    content = {**EMPTY_CONTENT, "description": "", "body": "::: emergency\n- Anything.\n:::"}

    (problem,) = lint_signs(content, kind=kind, triage=TriageDetector("en"))

    assert problem.message.endswith(f"Use ::: warning-signs {when} instead.")


def test_custom_sign_is_detected_by_its_text() -> None:
    body = "Call us today if your hiccups last longer than two days."
    rows = [("Your hiccups last longer than two days.", True)]
    content = {**EMPTY_CONTENT, "description": "", "body": body}

    assert lint_signs(content, kind="about", triage=TriageDetector("en")) == []
    assert len(lint_signs(content, kind="about", triage=TriageDetector("en", rows))) == 1


def test_fields_are_checked_as_well() -> None:
    (problem,) = found("Text.", key_message="With weak legs or chest pain, call an ambulance.")

    assert problem.startswith("The key message says what to do about warning signs")


def test_rows_quoted_by_pages_are_checked_as_well(subtests: pytest.Subtests) -> None:
    for row in [
        ClinicAnswer(key="x", language="en", question="Fever?", answer="Call us today if a leg is weak."),
        GlossaryTerm(key="x", language="en", term="x", definition="Chest pain or fainting: call 911."),
        GlossaryTerm(key="x", language="es", term="x", definition="Si se desmaya, llame al 911."),
        SeriesItem(series=Series(language="en"), heading="After", text="A fever and a red wound: call us now."),
        ClinicAnswer(key="x", language="en", question="Weak legs?", answer="Wait until Monday."),
        ClinicAnswer(key="x", language="en", question="What can wait?", answer="A sore back, or a weak leg."),
        ClinicAnswer(
            key="x", language="en", question="After?", answer="These can wait:\n- A bruise.\n- You can’t pee."
        ),
        SeriesItem(series=Series(language="es"), heading="Es normal", text="Una pierna débil."),
        ClinicText(language="en", hours="Monday to Friday", about="Weak legs can wait until we open."),
        LocationText(language="es", name="Centro", directions="Si no puede caminar, espere a su cita."),
        GuideItem(guide=Page(language="en"), note="Why a weak leg can wait for the visit."),
    ]:
        with subtests.test(row=row), pytest.raises(ValidationError, match="Warning signs come from one list"):
            row.clean()  # type: ignore[attr-defined]


def test_reading_list_notes_are_checked_before_publishing() -> None:
    item = {"page": "recovery", "section": "", "minutes": 3, "note": "If you faint, rest first and read this."}
    content = {**EMPTY_CONTENT, "description": "", "items": [item]}

    (problem,) = lint_signs(content, kind="guide", triage=TriageDetector("en"))

    assert problem.message.startswith(
        "The note about “recovery” in the reading list says what to do about warning signs"
    )


@pytest.mark.parametrize("field", ["title", "key_message", "description", "next_label"])
def test_delay_in_a_field_is_rejected(field: str) -> None:
    (problem,) = found("Text.", **{field: "A weak leg can wait until your visit."})

    assert "says what to do about warning signs (weak legs)" in problem


def test_starter_content_passes() -> None:
    wrong = {}
    for file in sorted([*CONTENT.glob("pages/*/*.md"), *CONTENT.glob("guides/*/*.md")]):
        data = read_page_entry(file).data
        triage = TriageDetector(file.parent.name)
        if problems := lint_signs(data, kind=data["kind"], triage=triage):
            wrong[f"{file.parent.name}/{file.name}"] = [str(problem) for problem in problems]
    for file in sorted(CONTENT.glob("*/*.yaml")):
        wrong |= {
            f"{file.name}: {text}": sorted(signs)
            for language, text in texts(yaml.safe_load(file.read_text(encoding="utf-8")), file.stem)
            if (signs := TriageDetector(language).find_advised_signs(text))
        }

    assert wrong == {}


def texts(value: object, language: str) -> Iterator[tuple[str, str]]:
    """Yield every English and Spanish text of a content file, with its language."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, key if key in REJECTED else language)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner, language)
    elif isinstance(value, str) and language in REJECTED:
        yield language, value
