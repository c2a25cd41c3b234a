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
        "coco": "distill.data.sources.coco:Coco",
        "coordinates": "distill.data.sources.coordinates:Coordinates",
        "folder": "distill.data.sources.folder:Folder",
        "hub": "distill.data.sources.hub:Hub",
        "insightface_rec": "distill.data.sources.insightface_rec:InsightfaceRec",
        "people": "distill.data.sources.people:People",
        "rendered_dogs": "distill.data.rendered.dogs:RenderedDogs",
        "rendered_faces": "distill.data.rendered.faces:RenderedFaces",
        "rendered_places": "distill.data.rendered.places:RenderedPlaces",
        "rendered_scenes": "distill.data.rendered.scenes:RenderedScenes",
        "stanford_dogs": "distill.data.sources.stanford_dogs:StanfordDogs",
        "table": "distill.data.sources.table.table:Table",
        "voc": "distill.data.sources.voc:Voc",
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
        "onnx_detector": "teachers.detector_teacher:OnnxDetector",
        "openvino": "teachers.graph_teacher:Graph",
        "ssd_mobilenet_v1": "teachers.ssd_teacher:SsdTeacher",
        "stored": "distill.store.teacher:Stored",
        "timm": "teachers.timm_teacher:Timm",
        "torchvision_detector": "teachers.torchvision_teacher:TorchvisionDetector",
    },
)
"""A `teachers.teacher.TeacherConfig` each."""

OBJECTIVES = Registry(
    "objective",
    "distill.objectives",
    {
        "bernoulli_kl": "distill.objectives.logits:BernoulliKl",
        "boxes": "distill.objectives.boxes.imitation:BoxImitation",
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
    {
        "faster_rcnn_mobilenet_v1": "students.faster_rcnn:FasterRcnnMobilenetV1",
        "mobilenet_v1": "students.mobilenet_v1:MobilenetV1",
        "ssd_mobilenet_v1": "students.ssd:SsdMobilenetV1",
    }
    | {f"mobilenetv{version}_*": "students.timm_student:TimmStudent" for version in (1, 2, 3, 4)}
    | {f"ssdlite_mobilenetv{version}_*": "students.ssdlite:Ssdlite" for version in (1, 2, 3, 4)},
)
"""A subclass of `students.student.Student` each."""

TASKS = Registry(
    "task",
    "distill.tasks",
    {
        "attributes": "distill.tasks.attributes.task:Attributes",
        "boxes": "distill.tasks.boxes.task:ObjectDetection",
        "classes": "distill.tasks.classes.task:Classes",
        "embeddings": "distill.tasks.embeddings.task:Embeddings",
        "places": "distill.tasks.places.task:PhotographPlaces",
    },
)
"""A subclass of `distill.tasks.task.Task` each."""

ANSWERS = Registry(
    "kind of answers",
    "distill.answers",
    {
        "boxes": "distill.answers.boxes:Boxes",
        "detections": "distill.answers.detections:Detections",
        "embedding": "distill.answers.embeddings:Embedding",
        "places": "distill.answers.places:Places",
        "probabilities": "distill.answers.attributes:Probabilities",
        "softmax": "distill.answers.classes:Softmax",
    },
)
"""A subclass of `distill.answers.kind.Kind` each."""
