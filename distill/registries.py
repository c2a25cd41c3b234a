"""What a recipe may name, by kind: one line for each thing that comes along.

Packages bring more by entry points of the groups named here, and code by `add`; see `distill.registry`.
"""

from distill.registry import Registry

SOURCES = Registry(
    "source",
    "distill.sources",
    {
        "celeba": "distill.data.sources.celeba:CelebA",
        "class_folders": "distill.data.sources.class_folders:ClassFolders",
        "folder": "distill.data.sources.folder:Folder",
        "hub": "distill.data.sources.hub:Hub",
        "people": "distill.data.sources.people:People",
        "rendered_dogs": "distill.data.rendered.dogs:RenderedDogs",
        "rendered_faces": "distill.data.rendered.faces:RenderedFaces",
        "stanford_dogs": "distill.data.sources.stanford_dogs:StanfordDogs",
        "table": "distill.data.sources.table:Table",
    },
)
"""A `distill.data.sources.source.Source` each."""

TEACHERS = Registry(
    "teacher",
    "distill.teachers",
    {
        "inception_resnet_v1": "teachers.recognizer_teacher:InceptionResnetV1",
        "iresnet100": "teachers.recognizer_teacher:Iresnet",
        "iresnet18": "teachers.recognizer_teacher:Iresnet",
        "iresnet50": "teachers.recognizer_teacher:Iresnet",
        "litert": "teachers.graph_teacher:Graph",
        "mobilefacenet": "teachers.mobilefacenet_teacher:Mobilefacenet",
        "onnx": "teachers.graph_teacher:Graph",
        "openvino": "teachers.graph_teacher:Graph",
        "stored": "distill.store.teacher:Stored",
        "timm": "teachers.timm_teacher:Timm",
    },
)
"""A `teachers.teacher.TeacherConfig` each."""

OBJECTIVES = Registry(
    "objective",
    "distill.objectives",
    {
        "bernoulli_kl": "distill.objectives.logits:BernoulliKl",
        "cosine": "distill.objectives.directions:Cosine",
        "dist": "distill.objectives.correlation:Dist",
        "dkd": "distill.objectives.decoupled:Dkd",
        "softmax_kl": "distill.objectives.logits:SoftmaxKl",
        "squared_embedding": "distill.objectives.directions:SquaredEmbedding",
        "squared_logits": "distill.objectives.logits:SquaredLogits",
    },
)
"""A `distill.objectives.objective.Objective` each."""

STUDENTS = Registry(
    "student",
    "distill.students",
    {"mobilenet_v1": "students.mobilenet_v1:MobilenetV1"}
    | {f"mobilenetv{version}_*": "students.timm_student:TimmStudent" for version in (1, 2, 3, 4)},
)
"""A subclass of `students.student.Student` each."""

TASKS = Registry(
    "task",
    "distill.tasks",
    {
        "attributes": "distill.tasks.attributes.task:Attributes",
        "classes": "distill.tasks.classes.task:Classes",
        "embeddings": "distill.tasks.embeddings.task:Embeddings",
    },
)
"""A subclass of `distill.tasks.task.Task` each."""

ANSWERS = Registry(
    "kind of answers",
    "distill.answers",
    {
        "embedding": "distill.answers.embeddings:Embedding",
        "probabilities": "distill.answers.attributes:Probabilities",
        "softmax": "distill.answers.classes:Softmax",
    },
)
"""A subclass of `distill.answers.kind.Kind` each."""
